"""Histories as AWS writes them, and as MiniStack does, read as steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.workflow import NOT_A_KNOWN_CLASS, REJECTED
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


@pytest.mark.parametrize(("error", "status"), [(REJECTED, "rejected"), (NOT_A_KNOWN_CLASS, "not a known class")])
def test_rejections_look_neither_like_a_failure_nor_like_each_other(error: str, status: str) -> None:
    (step,) = read_visits([entered("Reject", "Fail")], error, has_ended=True)
    assert step.status == status


def test_the_last_state_of_a_running_execution_is_running() -> None:
    events = [entered("Serialize"), exited("Serialize"), entered("Classify"), event("TaskScheduled")]
    assert [step.status for step in read_visits(events, None, has_ended=False)] == ["succeeded", "running"]


def numbered(*events: tuple[int, int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as AWS numbers them, each with the one before it."""
    return [content | {"id": number, "previousEventId": before} for number, before, content in events]


def test_states_that_run_side_by_side_keep_their_own_failures() -> None:
    """Source: the event history of a Map state in the Step Functions developer guide."""
    events = numbered(
        (1, 0, entered("Each", "Map")),
        (2, 1, event("MapIterationStarted", name="Each")),
        (3, 1, event("MapIterationStarted", name="Each")),
        (4, 2, entered("Work", number=0)),
        (5, 3, entered("Work", number=1)),
        (6, 4, event("TaskFailed", error="Broken", cause="the first")),
        (7, 5, event("TaskSucceeded")),
        (8, 7, exited("Work", number=1)),
        (9, 6, event("MapIterationFailed", name="Each")),
    )
    whole, first, second = read_visits(events, "Broken", has_ended=True)
    assert (first.input, first.status, first.error) == ({"number": 0}, "failed", "Broken: the first")
    assert (second.input, second.status, second.error) == ({"number": 1}, "succeeded", None)
    assert (whole.status, whole.error) == ("failed", "Broken")


@pytest.mark.parametrize(("end", "status"), [("ExecutionAborted", "stopped"), ("ExecutionTimedOut", "failed")])
def test_the_state_in_which_an_execution_was_ended_has_not_succeeded(end: str, status: str) -> None:
    events = [entered("Serialize"), exited("Serialize"), entered("Classify"), event("TaskScheduled"), event(end)]
    assert [step.status for step in read_visits(events, None, has_ended=True)] == ["succeeded", status]


def test_a_redriven_execution_goes_on_where_it_failed() -> None:
    """Source: "Redriving executions" in the developer guide: the state that failed is not entered anew."""
    events = [
        entered("Serialize"),
        event("TaskFailed", error="Busy", cause="later"),
        event("ExecutionFailed"),
        event("ExecutionRedriven"),
        event("TaskScheduled"),
        event("TaskSucceeded"),
        exited("Serialize"),
    ]
    (step,) = read_visits(events, None, has_ended=True)
    assert (step.status, step.error) == ("succeeded", None)


def test_an_event_without_details_or_with_any_cause_is_read() -> None:
    events = [entered("Work"), {"type": "TaskFailed", "timestamp": AT}]
    assert read_visits(events, "x", has_ended=True)[0].error == "Unknown: "
    deep = "[" * 100_000
    for cause, message in (("[1]", "[1]"), ('{"errorMessage": 7}', "7"), (deep, deep), ("{}", "{}")):
        events = [entered("Work"), event("TaskFailed", error="E", cause=cause)]
        assert read_visits(events, "x", has_ended=True)[0].error == f"E: {message}"
