"""Lists: filters, order, pages. On a SageMaker of its own, so that nothing else is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.listing import list_page
from embedded_aws.sagemaker.registry import Registry, StoredResource

Names = Callable[..., list[str]]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Five jobs, made one second after the other: e, d, c, b, a; modified ten seconds later."""
    with closing(Registry(tmp_path / "registry.sqlite")) as opened:
        for second, name in enumerate("edcba", start=100):
            status = "Completed" if name in "ace" else "Failed"
            opened.create(StoredResource("job", f"job-{name}", f"arn:{name}", status, float(second), second + 10.0))
        yield opened


@pytest.fixture
def names(registry: Registry) -> Names:
    """The last letters of the names on the page that a request asks for."""
    return lambda **request: [name[-1] for name in page(registry, **request)["Jobs"]]


def page(registry: Registry, **request: Any) -> dict[str, Any]:
    return list_page(registry, "job", request, "Jobs", lambda job: job.name)  # type: ignore[arg-type,return-value]


def test_the_newest_come_first(names: Names) -> None:
    assert names() == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"SortBy": "Name", "SortOrder": "Ascending"}, "abcde"),
        ({"SortBy": "Name"}, "edcba"),
        ({"SortBy": "CreationTime", "SortOrder": "Ascending"}, "edcba"),
        ({"SortBy": "Status", "SortOrder": "Ascending"}, "acebd"),
        ({"NameContains": "job-b"}, "b"),
        ({"NameContains": "x"}, ""),
        ({"StatusEquals": "Failed"}, "bd"),
        ({"CreationTimeAfter": 102}, "abc"),
        ({"CreationTimeBefore": 102}, "de"),
        ({"CreationTimeAfter": 101, "CreationTimeBefore": 103.5, "StatusEquals": "Completed"}, "c"),
        ({"LastModifiedTimeAfter": 113.5}, "a"),
        ({"LastModifiedTimeBefore": 111}, "e"),
    ],
)
def test_a_list_holds_what_was_asked_for(names: Names, request_: dict[str, Any], expected: str) -> None:
    assert "".join(names(**request_)) == expected


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_are_the_list_in_pieces(registry: Registry, sort_by: str, order: str) -> None:
    request: dict[str, Any] = {"SortBy": sort_by, "SortOrder": order}
    whole = page(registry, **request)["Jobs"]
    pieces: list[str] = []
    token: dict[str, str] = {}
    for expected_size in (2, 2, 1):
        piece = page(registry, MaxResults=2, **request, **token)
        assert len(piece["Jobs"]) == expected_size
        pieces += piece["Jobs"]
        token = {"NextToken": piece["NextToken"]} if "NextToken" in piece else {}
    assert pieces == whole
    assert not token


def test_a_page_that_ends_the_list_has_no_token(registry: Registry) -> None:
    assert "NextToken" not in page(registry, MaxResults=5)


def test_ten_are_on_a_page_unless_asked_otherwise(registry: Registry) -> None:
    for number in range(10):
        registry.create(StoredResource("job", f"more-{number}", f"arn:more-{number}"))
    assert len(page(registry)["Jobs"]) == 10
    assert "NextToken" in page(registry)


def test_what_comes_and_goes_meanwhile_shifts_no_page(registry: Registry) -> None:
    first = page(registry, MaxResults=2)
    registry.delete("job", "job-b")
    registry.create(StoredResource("job", "job-z", "arn:z"))
    assert page(registry, MaxResults=2, NextToken=first["NextToken"])["Jobs"] == ["job-c", "job-d"]


@pytest.mark.parametrize("token", ["", "nonsense", "e30=", "W10=", "WzEsMiwzXQ==", "ÄÖÜ"])
def test_a_token_that_was_not_given_out_is_refused(registry: Registry, token: str) -> None:
    with pytest.raises(ValidationException, match="Invalid NextToken"):
        page(registry, NextToken=token)


def test_a_token_of_another_list_is_refused(registry: Registry) -> None:
    token = page(registry, MaxResults=2)["NextToken"]
    with pytest.raises(ValidationException, match="Invalid NextToken"):
        page(registry, MaxResults=2, NextToken=token, StatusEquals="Failed")
