"""The event table of an execution, from histories as AWS and as MiniStack tell them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backend.workflow.events import read_events

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int, kind: str, before: int | None = None, **details: Any) -> dict[str, Any]:
    """An event of GetExecutionHistory; MiniStack's have no event before."""
    ends = {"Entered": "stateEntered", "Exited": "stateExited"}
    name = next((name for end, name in ends.items() if kind.endswith(end)), kind[0].lower() + kind[1:])
    told = {f"{name}EventDetails": details} if details else {}
    return (
        {"id": number, "type": kind, "timestamp": AT} | ({} if before is None else {"previousEventId": before}) | told
    )


@pytest.mark.parametrize("has_before", [True, False])
def test_each_event_has_the_state_that_it_belongs_to(has_before: bool) -> None:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("ExecutionStarted", {"input": "{}"}),
        ("TaskStateEntered", {"name": "A", "input": '{"a": 1}'}),
        ("TaskScheduled", {"resource": "lambda"}),
        ("TaskFailed", {"error": "E", "cause": "no JSON"}),
        ("TaskStateExited", {"name": "A", "output": "[2]"}),
        ("FailStateEntered", {"name": "B"}),
        ("ExecutionFailed", {"error": "E"}),
    ]
    events = [
        event(number, kind, number - 1 if has_before else None, **details)
        for number, (kind, details) in enumerate(kinds, 1)
    ]
    read = read_events(events)
    assert [one.kind for one in read] == [kind for kind, _ in kinds]
    assert [one.state for one in read] == [None, "A", "A", "A", "A", "B", None]
    assert [one.details for one in read] == [
        {"input": {}},
        {"name": "A", "input": {"a": 1}},
        {"resource": "lambda"},
        {"error": "E", "cause": "no JSON"},
        {"name": "A", "output": [2]},
        {"name": "B"},
        {"error": "E"},
    ]


def test_events_of_states_that_run_side_by_side_are_told_apart() -> None:
    """Source: Step Functions API reference, HistoryEvent: `previousEventId`."""
    events = [
        event(1, "ParallelStateEntered", 0, name="Both"),
        event(2, "ParallelStateStarted", 1),
        event(3, "TaskStateEntered", 2, name="Left"),
        event(4, "TaskStateEntered", 2, name="Right"),
        event(5, "TaskScheduled", 3, resource="lambda"),
        event(6, "TaskScheduled", 4, resource="lambda"),
        event(7, "TaskSucceeded", 5, output="1"),
        event(8, "TaskStateExited", 6, name="Right", output="2"),
    ]
    assert [one.state for one in read_events(events)] == [
        "Both", "Both", "Left", "Right", "Left", "Right", "Left", "Right",
    ]  # fmt: skip


def test_a_name_that_looks_like_json_stays_a_name() -> None:
    [read] = read_events([event(1, "PassStateEntered", 0, name="17", input="17")])
    assert (read.state, read.details) == ("17", {"name": "17", "input": 17})
