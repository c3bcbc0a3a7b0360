"""Deleting from the bucket: every key that S3 takes goes, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import pytest

from backend import cleanup, foundation
from backend.aws import bucket
from backend.aws.environment import Environment
from backend.errors import AwsRequestError
from tests import answers
from tests.projects import of_project

CONTROLS = [chr(number) for number in range(1, 32)]
KEYS = [
    *CONTROLS,
    "\x7f",
    "\x85",
    "\u2028",
    "\ufffe",
    "\uffff",
    "\U0001f6f5",
    " ",
    "%20",
    "+",
    "&",
    "<a>",
    "'\"",
    "../a",
]


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own with its bucket; whatever is left of it goes."""
    opened = of_project(environment, "scones-keys", tmp_path)
    foundation.deploy_foundation(opened)
    yield opened
    for key in keys(opened):
        opened.s3.delete_object(Bucket=opened.bucket, Key=key)
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


def put(project: Environment, *keys: str) -> None:
    for key in keys:
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"x")


def keys(project: Environment) -> list[str]:
    return [item["Key"] for item in project.s3.list_objects_v2(Bucket=project.bucket).get("Contents", [])]


def test_a_key_that_xml_cannot_hold_keeps_no_other(project: Environment) -> None:
    put(project, *(f"uploads/{key}" for key in KEYS))
    assert len(keys(project)) == len(KEYS)
    bucket.delete_prefix(project, "uploads/")
    assert keys(project) == []


@pytest.mark.parametrize("character", KEYS)
def test_exactly_what_xml_cannot_hold_is_deleted_by_itself(character: str) -> None:
    """By what a parser says of the character, escaped."""
    try:
        expat.ParserCreate().Parse(f"<Key>&#{ord(character[0])};</Key>", True)
        fits = True
    except expat.ExpatError:
        fits = False
    assert (bucket._NOT_IN_XML.search(character) is None) == fits


def test_keys_beside_the_prefix_stay(project: Environment) -> None:
    put(project, "uploads/a\x01", "uploads/b", "uploads-of-others/a\x01", "a\x01")
    bucket.delete_prefix(project, "uploads/")
    assert keys(project) == ["a\x01", "uploads-of-others/a\x01"]


def test_one_carriage_return_deletes_no_line_feed(project: Environment) -> None:
    """An XML parser makes the one the other, where they are not escaped."""
    put(project, "uploads/a\rb", "uploads/a\nb")
    bucket.delete_keys(project, ["uploads/a\rb"])
    assert keys(project) == ["uploads/a\nb"]


def test_what_cannot_be_deleted_by_itself_is_named(project: Environment) -> None:
    put(project, "uploads/a\x01")
    with (
        answers.changed(project.s3, "DeleteObject", answers.denied),
        pytest.raises(AwsRequestError, match=r"delete object 'uploads/a\\x01': Not yours"),
    ):
        bucket.delete_prefix(project, "uploads/")


def test_the_bucket_goes_at_cleanup_though_a_key_has_a_control_character(project: Environment) -> None:
    put(project, "uploads/a\x01", "uploads/b")
    cleanup.delete_resources(project, cleanup.list_resources(project))
    assert cleanup.list_resources(project) == []
    foundation.deploy_foundation(project)  # for the fixture's end
