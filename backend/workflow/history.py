"""An execution's events as the states it went through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from backend.workflow.outcome import REJECTED, StateVisit

_FAILURES = ("Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed")


def read_visits(
    events: Iterable[Mapping[str, Any]], execution_error: str | None, *, has_ended: bool
) -> tuple[StateVisit, ...]:
    """The states of a history, in the order they were entered.

    Takes the events of both AWS and MiniStack: Lambda's own events or those of a Task, with or without a state's exit.
    A state whose last attempt failed counts as failed, even if the error was caught.
    """
    visits: list[StateVisit] = []
    for event in events:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            content = _content(details.get("input"))
            visits.append(StateVisit(details["name"], "running", event["timestamp"], input=content))
        elif kind.endswith("StateExited"):
            _exit(visits, event)
        elif visits and kind.startswith(("Task", "Lambda")):
            visits[-1] = replace(visits[-1], error=_error(event) if kind.endswith(_FAILURES) else None)
    if visits and has_ended and visits[-1].exited_at is None:
        visits[-1] = _end(visits[-1], execution_error)
    return tuple(visits)


def _exit(visits: list[StateVisit], event: Mapping[str, Any]) -> None:
    """Close the last state of that name that is still open."""
    details = event["stateExitedEventDetails"]
    for position in reversed(range(len(visits))):
        visit = visits[position]
        if visit.name == details["name"] and visit.exited_at is None:
            status = "failed" if visit.error else "succeeded"
            output = _content(details.get("output"))
            visits[position] = replace(visit, status=status, exited_at=event["timestamp"], output=output)
            return


def _end(visit: StateVisit, execution_error: str | None) -> StateVisit:
    """The state in which the execution ended: a Fail state is never exited."""
    if execution_error is None and visit.error is None:
        return replace(visit, status="succeeded")
    return replace(
        visit, status="rejected" if execution_error == REJECTED else "failed", error=visit.error or execution_error
    )


def _error(event: Mapping[str, Any]) -> str:
    """`Name: cause` of a failure; the details' member is named for the event's type."""
    details: Mapping[str, str] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return f"{details.get('error', 'Unknown')}: {_cause_message(details.get('cause', ''))}"


def _cause_message(cause: str) -> str:
    """A Lambda's cause is JSON with the exception's message in it."""
    content = _content(cause)
    return str(content.get("errorMessage", cause)) if isinstance(content, dict) else cause


def _content(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
