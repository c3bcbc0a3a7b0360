"""What images really are: unknown only where that is so, and never because it could not be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend import monitoring
from backend.aws.environment import Environment
from backend.errors import AccessDenied, AwsRequestError
from backend.monitoring import labels
from tests import answers
from tests.capture_lines import capture_line

Failure = Callable[[dict[str, Any]], None]
FAILURES = [
    pytest.param(answers.denied, AccessDenied, "Not yours", id="denied"),
    pytest.param(answers.unreachable, AwsRequestError, "could not be reached", id="unreachable"),
]


def test_an_inference_whose_execution_is_gone_is_left_out(captures: Environment) -> None:
    assert labels.keys_by_inference(captures, ["gone-0123456789abcdef"]) == {}


@pytest.mark.parametrize(("fail", "error", "words"), FAILURES)
def test_an_execution_that_cannot_be_asked_for_is_no_missing_one(
    captures: Environment, fail: Failure, error: type[AwsRequestError], words: str
) -> None:
    with answers.changed(captures.stepfunctions, "DescribeExecution", fail), pytest.raises(error, match=words):
        labels.keys_by_inference(captures, ["one-0123456789abcdef"])


def test_an_image_that_its_record_names_is_known_though_its_execution_is_gone(
    captures: Environment, put: Callable[..., str]
) -> None:
    """No execution is asked for, and a record that names none is as before."""
    named = [("one", "uploads/a%20b.png"), ("two", "uploads/%C3%BC.png")]
    content = b"".join(
        capture_line([0.9, 0.1], eventMetadata__inferenceId=name, eventMetadata__customAttributes=[encoded])
        for name, encoded in named
    )
    put(content + capture_line([0.9, 0.1], eventMetadata__inferenceId="unnamed"))
    monitoring.refresh_captures(captures)
    with answers.changed(captures.stepfunctions, "DescribeExecution", answers.denied):
        found = labels.keys_by_inference(captures, ["one", "two"])
        assert found == {"one": "uploads/a b.png", "two": "uploads/ü.png"}
        with pytest.raises(AccessDenied):
            labels.keys_by_inference(captures, ["one", "unnamed"])
    assert labels.keys_by_inference(captures, ["one", "unnamed"]) == {"one": "uploads/a b.png"}


@pytest.mark.parametrize(("fail", "error", "words"), FAILURES)
def test_a_dataset_that_cannot_be_read_is_no_missing_one(
    captures: Environment, fail: Failure, error: type[AwsRequestError], words: str
) -> None:
    with answers.changed(captures.s3, "GetObject", fail), pytest.raises(error, match=words):
        labels.labels_by_key(captures)


@pytest.mark.parametrize("inference_id", ["order 7", "a:b", "x" * 65, "ünknown", ""])
def test_an_inference_that_no_execution_can_have_made_is_not_asked_for(
    captures: Environment, inference_id: str
) -> None:
    """Step Functions answers that such a name is malformed, and not that there is none."""
    with answers.changed(captures.stepfunctions, "DescribeExecution", answers.denied):
        assert labels.keys_by_inference(captures, [inference_id]) == {}
