"""An execution's events as the states it went through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from backend.workflow.content import cause_message, clean, read_content
from backend.workflow.outcome import REJECTIONS, StateVisit

_FAILURES = ("Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed")
_STOPPED = {"ExecutionAborted": "stopped", "ExecutionTimedOut": "failed"}
"""What the states are that an execution was in when it ended so: it has no error of its own then."""


def read_visits(
    events: Iterable[Mapping[str, Any]], execution_error: str | None, *, has_ended: bool
) -> tuple[StateVisit, ...]:
    """The states of a history, in the order they were entered.

    Takes the events of both AWS and MiniStack: Lambda's own events or those of a Task, with or without a state's exit
    or the event before. A state whose last attempt failed counts as failed, even if the error was caught. States that
    run side by side, in a Map or a Parallel state, are told apart by the event before; MiniStack has only the whole.
    """
    visits: list[StateVisit] = []
    position_of: dict[int, int] = {}
    ending = None
    for event in events:
        kind = event["type"]
        position = position_of.get(event.get("previousEventId", 0), len(visits) - 1)
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            content = read_content(details.get("input"))
            position = len(visits)
            visits.append(StateVisit(clean(details["name"]), "running", event["timestamp"], input=content))
        elif kind.endswith("StateExited"):
            position = _exit(visits, event, position)
        elif kind.startswith("Execution"):
            ending = _STOPPED.get(kind)
        elif visits:
            visits[position] = _went_on(visits[position], event)
        position_of[event.get("id", -1)] = position
    if has_ended:
        return tuple(_end(visit, execution_error, ending) for visit in visits)
    return tuple(visits)


def _went_on(visit: StateVisit, event: Mapping[str, Any]) -> StateVisit:
    """The state after an event of its task: the last attempt tells whether it failed."""
    kind = event["type"]
    if kind.startswith(("Task", "Lambda", "Activity")):
        return replace(visit, error=_error(event) if kind.endswith(_FAILURES) else None)
    return visit


def _exit(visits: list[StateVisit], event: Mapping[str, Any], near: int) -> int:
    """Close the state at `near`, or the last one of that name that is still open; returns which."""
    details = event["stateExitedEventDetails"]
    name = clean(details["name"])
    for position in (near, *reversed(range(len(visits)))):
        visit = visits[position] if visits else None
        if visit is not None and visit.name == name and visit.exited_at is None:
            status = "failed" if visit.error else "succeeded"
            output = read_content(details.get("output"))
            visits[position] = replace(visit, status=status, exited_at=event["timestamp"], output=output)
            return position
    return near


def _end(visit: StateVisit, execution_error: str | None, ending: str | None) -> StateVisit:
    """A state as its execution's end left it: a Fail state is never exited, nor is one that was stopped."""
    if visit.exited_at is not None:
        return visit
    if ending is not None:
        return replace(visit, status=ending, error=visit.error or execution_error)
    if execution_error is None and visit.error is None:
        return replace(visit, status="succeeded")
    status = str(REJECTIONS.get(execution_error or "", "failed"))
    return replace(visit, status=status, error=visit.error or execution_error)


def _error(event: Mapping[str, Any]) -> str:
    """`Name: cause` of a failure; the details' member is named for the event's type."""
    details: Mapping[str, str] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return f"{clean(details.get('error', 'Unknown'))}: {cause_message(details.get('cause', ''))}"
