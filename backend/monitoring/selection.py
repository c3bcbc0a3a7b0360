"""Which captured records are meant, and in which steps of time they are counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

HOUR: Final = timedelta(hours=1)
EVERY_CONFIDENCE: Final = (0.0, float("inf"))
"""A range of confidences, from the first number to below the second, that holds all."""
_MOST_STEPS: Final = 400
"""About as many as a chart has room for."""
_STEPS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 21_600, 86_400, 604_800)
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Selection:
    """Records from `start` to before `end`, of one endpoint, variant and class, or of all where that is None.

    Both times have a zone. Records of the class `without` are left out.
    """

    start: datetime
    end: datetime
    endpoint: str | None = None
    variant: str | None = None
    class_index: int | None = None
    without: int | None = None

    def step(self) -> timedelta:
        """The finest step of which a chart has room for as many as this takes."""
        return next((step for step in _STEPS if (self.end - self.start) / step <= _MOST_STEPS), _STEPS[-1])

    def aligned(self, step: timedelta) -> Selection:
        """The same, widened to whole steps since 1970 UTC."""
        before, after = (self.start - _EPOCH) // step, -((_EPOCH - self.end) // step)
        return replace(self, start=_EPOCH + before * step, end=_EPOCH + max(after, before + 1) * step)

    def within(self, step: timedelta) -> Selection:
        """The same, narrowed to whole steps since 1970 UTC; empty, with its end at its start, where there is none."""
        start = _EPOCH - ((_EPOCH - self.start) // step) * step
        return replace(self, start=start, end=max(start, _EPOCH + (self.end - _EPOCH) // step * step))

    def condition(self) -> tuple[str, list[Any]]:
        """The records meant, as a condition in SQL on the columns of `records`, with its values."""
        condition, values = self.condition_without_time()
        return f"time >= ? AND time < ? AND {condition}", [_naive(self.start), _naive(self.end), *values]

    def condition_without_time(self) -> tuple[str, list[Any]]:
        """As `condition`, for what has no times."""
        conditions: list[str] = ["true"]
        values: list[Any] = []
        for column, value in (("endpoint", self.endpoint), ("variant", self.variant)):
            if value is not None:
                conditions.append(f"stream_id IN (SELECT stream_id FROM streams WHERE {column} = ?)")  # noqa: S608
                values.append(value)
        if self.class_index is not None:
            conditions.append("class_index = ?")
            values.append(self.class_index)
        if self.without is not None:
            conditions.append("class_index <> ?")
            values.append(self.without)
        return " AND ".join(conditions), values

    def spans(self, step: timedelta) -> tuple[int, int]:
        """The first step since 1970 that this touches, and the first behind it."""
        aligned = self.aligned(step)
        return (aligned.start - _EPOCH) // step, (aligned.end - _EPOCH) // step


def hour_at(number: int) -> datetime:
    """Where the hour of this number since 1970 UTC begins."""
    return _EPOCH + number * HOUR


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
