"""An execution's events, one by one, as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backend.workflow.content import clean, read_content
from backend.workflow.outcome import Event

_CONTENTS = ("input", "output", "parameters", "cause")


def read_events(events: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    """The events of a history in its order, each with the state that it belongs to.

    AWS tells by the event before which state that is. MiniStack does not: there it is the state entered last.
    """
    read: list[Event] = []
    states: dict[int, str | None] = {}
    for position, event in enumerate(events, 1):
        number = event.get("id", position)
        details = _details(event)
        before = states.get(event.get("previousEventId", number - 1), read[-1].state if read else None)
        kind = str(event["type"])
        is_states_own = kind.endswith(("StateEntered", "StateExited"))
        state = details.get("name") if is_states_own else None if kind.startswith("Execution") else before
        states[number] = state
        read.append(Event(number, kind, event["timestamp"], state, details))
    return tuple(read)


def _details(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the event's own member tells; it is named for the event's type."""
    told: Mapping[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return {
        name: _read(name, value) if isinstance(value, str) else value
        for name, value in told.items()
        if not name.endswith("Details")  # whether input or output were truncated
    }


def _read(name: str, text: str) -> Any:
    return read_content(text) if name in _CONTENTS else clean(text)
