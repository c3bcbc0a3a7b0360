"""Claims on pictures: one at a time has one, whoever asks at the same moment, and whatever becomes of an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backend.aws.bucket import read_version, replace_object
from backend.aws.environment import Environment
from backend.review import claims
from backend.review.claims import Held, Refused, give_back, take
from tests import answers

KEY = "review/q/claims/00001.json"


def write(project: Environment, content: bytes, etag: str | None) -> str | None:
    return replace_object(project, KEY, content, etag, action="try")


def test_of_many_at_the_same_moment_one_has_it(project: Environment) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: take(project, "q", 1, f"session-{number}", "Ada"), range(16)))
    assert sum(isinstance(one, Held) for one in found) == 1


def test_one_who_is_refused_hears_who_has_it(project: Environment) -> None:
    take(project, "q", 1, "one", "Ada")
    refused = take(project, "q", 1, "two", "Ben")
    assert isinstance(refused, Refused)
    assert refused.by.reviewer == "Ada"
    assert isinstance(take(project, "q", 2, "two", "Ben"), Held)


def test_ones_own_is_taken_again(project: Environment) -> None:
    assert isinstance(take(project, "q", 1, "one", "Ada"), Held)
    assert isinstance(take(project, "q", 1, "one", "Ada"), Held)
    assert isinstance(take(project, "q", 1, "two", "Ada"), Refused)
    assert isinstance(take(project, "q", 1, "two", "Ada", left_by_oneself=True), Held)


def test_what_is_given_back_is_anybodys_and_only_its_holder_gives_it_back(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = take(project, "q", 1, "one", "Ada")
    assert isinstance(held, Held)
    give_back(project, "q", held)
    assert isinstance(take(project, "q", 1, "two", "Ben"), Held)
    give_back(project, "q", held)  # late
    assert isinstance(take(project, "q", 1, "three", "Cleo"), Refused)


def test_a_claim_ends_by_itself(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(0))
    take(project, "q", 1, "one", "Ada")
    assert isinstance(take(project, "q", 1, "two", "Ben"), Held)


def test_what_is_no_claim_claims_nothing(project: Environment) -> None:
    project.s3.put_object(Bucket=project.bucket, Key=KEY, Body=b"{")
    assert isinstance(take(project, "q", 1, "one", "Ada"), Held)


def test_a_write_whose_answer_was_lost_has_succeeded(project: Environment) -> None:
    """boto3 sends it again, and S3 says of the second that something is there: it is the first."""

    def refuse(_parsed: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "There is one."}}, "PutObject")

    with answers.changed(project.s3, "PutObject", refuse):
        written = write(project, b"mine", None)
    assert (b"mine", written) == read_version(project, KEY)


def test_another_version_is_not_replaced(project: Environment) -> None:
    first = write(project, b"first", None)
    assert first is not None
    assert write(project, b"other", None) is None
    second = write(project, b"second", first)
    assert second is not None
    assert write(project, b"third", first) is None
    project.s3.delete_object(Bucket=project.bucket, Key=KEY)
    assert write(project, b"fourth", second) is None
    assert read_version(project, KEY) is None
