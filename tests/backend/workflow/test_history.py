"""Histories as AWS writes them, and as MiniStack does, read as steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from backend.workflow import REJECTED
from backend.workflow.history import read_visits

AT = datetime(2026, 1, 1, tzinfo=UTC)


def entered(name: str, kind: str = "Task", **content: Any) -> dict[str, Any]:
    details = {"name": name, "input": json.dumps(content)}
    return {"type": f"{kind}StateEntered", "timestamp": AT, "stateEnteredEventDetails": details}


def exited(name: str, kind: str = "Task", **content: Any) -> dict[str, Any]:
    details = {"name": name, "output": json.dumps(content)}
    return {"type": f"{kind}StateExited", "timestamp": AT, "stateExitedEventDetails": details}


def event(kind: str, **details: str) -> dict[str, Any]:
    return {"type": kind, "timestamp": AT, f"{kind[0].lower()}{kind[1:]}EventDetails": details}


def test_a_state_has_its_input_and_output() -> None:
    (step,) = read_visits([entered("Filter", a=1), event("TaskSucceeded"), exited("Filter", b=2)], None, has_ended=True)
    assert (step.name, step.status, step.input, step.output) == ("Filter", "succeeded", {"a": 1}, {"b": 2})


def test_a_state_that_succeeds_at_its_second_attempt_has_succeeded() -> None:
    events = [entered("Classify"), event("TaskFailed", error="ModelError"), event("TaskSucceeded"), exited("Classify")]
    (step,) = read_visits(events, None, has_ended=True)
    assert (step.status, step.error) == ("succeeded", None)


def test_a_caught_failure_shows_at_its_state() -> None:
    cause = json.dumps({"errorMessage": "There is no image", "errorType": "ImageMissing"})
    events = [
        entered("Serialize"),
        event("LambdaFunctionFailed", error="ImageMissing", cause=cause),
        exited("Serialize"),
        entered("FailAsCaught", "Fail"),
    ]
    serialize, end = read_visits(events, "ImageMissing", has_ended=True)
    assert (serialize.status, serialize.error) == ("failed", "ImageMissing: There is no image")
    assert (end.name, end.status) == ("FailAsCaught", "failed")


def test_a_rejection_does_not_look_like_a_failure() -> None:
    (step,) = read_visits([entered("Reject", "Fail")], REJECTED, has_ended=True)
    assert step.status == "rejected"


def test_the_last_state_of_a_running_execution_is_running() -> None:
    events = [entered("Serialize"), exited("Serialize"), entered("Classify"), event("TaskScheduled")]
    assert [step.status for step in read_visits(events, None, has_ended=False)] == ["succeeded", "running"]
