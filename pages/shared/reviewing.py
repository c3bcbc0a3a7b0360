"""The way to a review queue from other pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from backend.monitoring import Selection
from backend.review import Kind

QUEUE: Final = "queue"
NAMES: Final = ("kind", "from", "to", "limit", "opinions", "source", "endpoint", "variant")
"""What the Review page reads of its address for a queue that is not there yet."""


def review_query(kind: Kind, selection: Selection, limit: int, source: str | None = None) -> dict[str, str]:
    """The query with which the Review page offers to label so many records of a selection.

    For `st.page_link(PagePath.REVIEW, query_params=...)`. `source` is the URL of another source than the project's own.
    """
    values = {
        "kind": str(kind),
        "from": _text(selection.start),
        "to": _text(selection.end),
        "limit": str(limit),
        "source": source,
        "endpoint": selection.endpoint,
        "variant": selection.variant,
    }
    return {name: value for name, value in values.items() if value is not None}


def _text(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
