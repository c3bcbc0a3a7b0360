"""What the address asks for: a queue that is there, or what a new one is to be. Anybody may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from backend.monitoring import EARLIEST
from backend.review import MOST_ITEMS, Kind
from pages.shared.reviewing import NAMES, QUEUE
from pages.shared.text import as_text

_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    """A new queue as an address wants it; what it does not say is None."""

    kind: Kind
    start: datetime | None = None
    end: datetime | None = None
    limit: int | None = None
    opinions: int | None = None
    source: str | None = None
    endpoint: str | None = None
    variant: str | None = None


def opened_queue() -> str | None:
    """The id of the queue that the address names."""
    return st.query_params.get(QUEUE)


def open_queue(queue_id: str) -> None:
    """Show this queue from the next run on: for callbacks too."""
    forget_request()
    st.query_params[QUEUE] = queue_id


def forget_request() -> None:
    """Take out of the address what a new queue was to be."""
    for name in NAMES:
        if name in st.query_params:
            del st.query_params[name]


def asked_for() -> Request | None:
    """What a new queue is to be by the address, without what cannot be meant, which is said; None for no wish."""
    query = dict(st.query_params.items())
    if "kind" not in query:
        return None
    try:
        return read_request(query)
    except (ValueError, OverflowError):
        st.warning(
            as_text("The address asks for a queue that cannot be: choose below what it is to be."),
            icon=":material/link_off:",
        )
        return None


def read_request(query: Mapping[str, str]) -> Request:
    """Raises ValueError for an address in which anything is not what it should be."""
    start, end = _time(query.get("from")), _time(query.get("to"))
    if (start is None) != (end is None) or (start and end and end <= start):
        raise ValueError("no range of time")
    return Request(
        Kind(query["kind"]),
        start,
        end,
        _number(query.get("limit"), MOST_ITEMS),
        _number(query.get("opinions"), 2),
        query.get("source"),
        query.get("endpoint"),
        query.get("variant"),
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    if not EARLIEST <= time <= _LATEST:
        raise ValueError(text)
    return time


def _number(text: str | None, most: int) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise ValueError(text)
    return int(text)
