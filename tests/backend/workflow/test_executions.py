"""Executions as Step Functions describes them, whoever started them, with whatever they were given."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from backend import workflow
from backend.aws.environment import Environment
from backend.errors import NotFound
from backend.workflow import Outcome
from tests import answers
from tests.backend.workflow.quick_machine import VERDICT

AT = datetime(2026, 1, 1, tzinfo=UTC)


def described(environment: Environment, status: str = "SUCCEEDED", **members: Any) -> workflow.Execution:
    """An execution of which Step Functions says this."""
    answer = {"name": "one", "status": status, "startDate": AT, **members}
    with answers.answered(environment.stepfunctions, "DescribeExecution", lambda _request: dict(answer)):
        return workflow.describe_execution(environment, "one", with_history=False)


def with_input(environment: Environment, content: Any) -> workflow.Execution:
    return described(environment, input=json.dumps(content))


@pytest.mark.parametrize("text", ["[]", '"x"', "17", "null", "true", "{}", '{"s3_key": 7}', "no JSON", ""])
def test_an_input_that_names_no_image_is_read(environment: Environment, text: str) -> None:
    assert described(environment, input=text).s3_key is None


@pytest.mark.parametrize("key", ["", "x" * 1025, 7, None, ["a"]])
def test_a_key_that_no_object_can_have_names_no_image(environment: Environment, key: Any) -> None:
    """S3 takes 1 to 1,024 bytes; boto3 itself refuses an empty key."""
    assert with_input(environment, {"s3_bucket": environment.bucket, "s3_key": key}).s3_key is None


def test_the_image_is_the_one_in_the_projects_bucket(environment: Environment) -> None:
    assert with_input(environment, {"s3_bucket": environment.bucket, "s3_key": "a.png"}).s3_key == "a.png"
    assert with_input(environment, {"s3_bucket": "another-bucket", "s3_key": "a.png"}).s3_key is None


def test_what_json_has_not_and_utf_8_cannot_write_is_text(environment: Environment) -> None:
    text = r'{"a": NaN, "b": -Infinity, "c": 1e999, "\ud800": "\udfff", "d": "\ud83d\ude00"}'
    found = described(environment, input=text).input
    assert found == {"a": "nan", "b": "-inf", "c": "inf", "\ufffd": "\ufffd", "d": "\N{GRINNING FACE}"}


@pytest.mark.parametrize(("levels", "is_read"), [(32, True), (33, False), (900, False), (100_000, False)])
def test_what_is_nested_too_deep_for_a_page_is_text(environment: Environment, levels: int, is_read: bool) -> None:
    text = "[" * levels + "]" * levels
    assert (described(environment, input=text).input != text) == is_read


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": "0.9"},
        {"confidence": True},
        {"confidence": None},
        {"confidence": 1.5},
        {"confidence": float("nan")},
        {"probabilities": ["0.9", "0.1"]},
        {"probabilities": [0.9, float("nan")]},
        {"probabilities": "0.9, 0.1"},
        {"probabilities": {}},
        {"probabilities": []},
        {"predicted_label": ["bicycle"]},
        {"predicted_label": "\ud800"},
        {"predicted_index": "0"},
        {"threshold": "high"},
        {"threshold": float("inf")},
        {"meets_threshold": "yes"},
        {"is_known": "yes"},
    ],
)
def test_what_only_looks_like_a_verdict_is_none(environment: Environment, change: dict[str, Any]) -> None:
    assert described(environment, output=json.dumps(VERDICT)).verdict is not None
    assert described(environment, output=json.dumps(VERDICT | change)).verdict is None


def test_a_verdict_has_whole_numbers_too_and_more_members(environment: Environment) -> None:
    content = VERDICT | {"confidence": 1, "probabilities": [1, 0], "s3_key": "a.png"}
    verdict = described(environment, output=json.dumps(content)).verdict
    assert verdict is not None
    assert (verdict.confidence, verdict.probabilities) == (1.0, (1.0, 0.0))


def test_a_verdict_from_before_there_was_a_class_other_is_of_a_known_one(environment: Environment) -> None:
    before = described(environment, output=json.dumps(VERDICT)).verdict
    after = described(environment, output=json.dumps(VERDICT | {"is_known": False})).verdict
    assert before is not None
    assert after is not None
    assert (before.is_known, after.is_known) == (True, False)


@pytest.mark.parametrize(
    ("predicted", "error", "true_label", "is_right"),
    [
        ("bicycle", None, "bicycle", True),
        ("bicycle", None, "motorcycle", False),
        ("bicycle", None, "other", False),
        ("other", None, "other", False),  # passed by a workflow from before there was such a class
        ("other", workflow.NOT_A_KNOWN_CLASS, "other", True),
        ("other", workflow.NOT_A_KNOWN_CLASS, "bicycle", False),
        ("bicycle", workflow.REJECTED, "bicycle", None),
        ("bicycle", workflow.REJECTED, "other", None),
        ("bicycle", "States.Timeout", "bicycle", None),
    ],
)
def test_what_is_right_goes_by_how_it_ended(
    environment: Environment, predicted: str, error: str | None, true_label: str, is_right: bool | None
) -> None:
    content = json.dumps(VERDICT | {"predicted_label": predicted})
    ending = {"output": content} if error is None else {"error": error, "cause": content}
    execution = described(environment, "SUCCEEDED" if error is None else "FAILED", **ending)
    assert execution.is_right(true_label) is is_right


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        ("FAILED", workflow.REJECTED, Outcome.REJECTED),
        ("FAILED", workflow.NOT_A_KNOWN_CLASS, Outcome.UNKNOWN),
        ("FAILED", "States.Runtime", Outcome.FAILED),
        ("FAILED", None, Outcome.FAILED),
        ("ABORTED", None, Outcome.STOPPED),
        ("ABORTED", workflow.REJECTED, Outcome.STOPPED),  # StopExecution takes any error
        ("ABORTED", workflow.NOT_A_KNOWN_CLASS, Outcome.STOPPED),
        ("TIMED_OUT", "States.Timeout", Outcome.TIMED_OUT),
        ("PENDING_REDRIVE", None, Outcome.RUNNING),
        ("RUNNING", None, Outcome.RUNNING),
    ],
)
def test_only_a_failure_under_a_rejections_name_is_one(
    environment: Environment, status: str, error: str | None, outcome: Outcome
) -> None:
    members = {} if error is None else {"error": error}
    assert described(environment, status, **members).outcome is outcome


def test_a_rejection_with_somebody_elses_cause_has_no_verdict(environment: Environment) -> None:
    execution = described(environment, "FAILED", error=workflow.REJECTED, cause='{"errorMessage": "too unsure"}')
    assert (execution.outcome, execution.verdict) == (Outcome.REJECTED, None)


def test_an_execution_that_is_deleted_after_it_was_listed_is_left_out(environment: Environment) -> None:
    listed = {"executions": [{"name": "gone"}]}
    with ExitStack() as stack:
        stack.enter_context(
            answers.answered(environment.stepfunctions, "ListExecutions", lambda _request: dict(listed))
        )
        assert workflow.list_executions(environment) == []


@pytest.mark.parametrize("name", ["", "a b", "[here](https://e.example)", "x" * 81, "a:b", "\ud800", "gone~0123"])
def test_what_cannot_be_a_name_is_not_asked_for(environment: Environment, name: str) -> None:
    with (
        answers.changed(environment.stepfunctions, "DescribeExecution", answers.denied),
        pytest.raises(NotFound, match=r"^There is no execution of this name\. Choose one"),
    ):
        workflow.describe_execution(environment, name)
