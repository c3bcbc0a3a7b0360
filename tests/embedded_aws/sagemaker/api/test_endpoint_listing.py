"""ListEndpoints: which endpoints, in which order, on how many pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker

NAMES = ["bikes-one", "bikes-two", "cars-one", "cars-two", "cars-three"]
"""In the order of their creation."""
BROKEN = "cars-one"


@pytest.fixture(scope="module")
def listed(served: ServedSageMaker) -> ServedSageMaker:
    """Five endpoints, four in service and one Failed; the first of them was updated last."""
    good, broken = served.config_of(), served.config_of(exit=1)
    for name in NAMES:
        config = broken if name == BROKEN else good
        served.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        wait_until(lambda: served.describe(name)["EndpointStatus"] != "Creating")  # noqa: B023  called at once
    served.update(NAMES[0], good)
    served.reached(NAMES[0], "InService")
    return served


def names(sagemaker: ServedSageMaker, **request: Any) -> list[str]:
    return [item["EndpointName"] for item in sagemaker.sagemaker.list_endpoints(**request)["Endpoints"]]


def test_the_newest_come_first(listed: ServedSageMaker) -> None:
    assert names(listed) == NAMES[::-1]


def test_an_endpoint_is_summed_up(listed: ServedSageMaker) -> None:
    (summary,) = listed.sagemaker.list_endpoints(NameContains="bikes-two")["Endpoints"]
    described = listed.describe("bikes-two")
    assert summary == {name: described[name] for name in summary}
    assert summary.keys() == {"EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus"}


@pytest.mark.parametrize(
    ("request_members", "expected"),
    [
        ({"NameContains": "two"}, ["cars-two", "bikes-two"]),
        ({"StatusEquals": "Failed"}, [BROKEN]),
        ({"StatusEquals": "Creating"}, []),
        ({"StatusEquals": "InService", "NameContains": "cars"}, ["cars-three", "cars-two"]),
        ({"SortOrder": "Ascending"}, NAMES),
        ({"SortBy": "Name"}, sorted(NAMES)[::-1]),
        ({"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}, ["bikes-one", "bikes-two"]),
        ({"SortBy": "Status", "SortOrder": "Ascending", "MaxResults": 1}, [BROKEN]),
    ],
)
def test_a_request_says_which_and_in_what_order(
    listed: ServedSageMaker, request_members: dict[str, Any], expected: list[str]
) -> None:
    assert names(listed, **request_members) == expected


def test_endpoints_are_found_by_their_times(listed: ServedSageMaker) -> None:
    third = listed.describe(NAMES[2])
    assert names(listed, CreationTimeBefore=third["CreationTime"]) == NAMES[1::-1]
    assert names(listed, CreationTimeAfter=third["CreationTime"]) == NAMES[:1:-1]
    changed = listed.describe(NAMES[0])["LastModifiedTime"]
    assert names(listed, LastModifiedTimeAfter=changed) == [NAMES[0]]


@pytest.mark.parametrize("order", ["Name", "CreationTime", "Status"])
def test_pages_hold_every_endpoint_once(listed: ServedSageMaker, order: Any) -> None:
    pages = listed.sagemaker.get_paginator("list_endpoints").paginate(SortBy=order, PaginationConfig={"PageSize": 2})
    found = [[item["EndpointName"] for item in page["Endpoints"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(name for page in found for name in page) == sorted(NAMES)
