"""What the page shows, in values and in the words of its address, which are checked: anybody may have written them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from backend.monitoring import EARLIEST, Contents

_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""There is no capture from before SageMaker; what is shown in steps of a week may not have any number of them."""
_SECOND: Final = timedelta(seconds=1)
_SHORTEST: Final = timedelta(seconds=2)
_MOST_DIGITS: Final = 9
_RECENT: Final = timedelta(hours=1)


class Preset(StrEnum):
    """A time range that ends with the newest record, or now where that is recent; all end with the newest record."""

    HOUR = "Hour"
    DAY = "Day"
    WEEK = "Week"
    MONTH = "30 days"
    ALL = "All"


_LENGTHS: Final = {
    Preset.HOUR: timedelta(hours=1),
    Preset.DAY: timedelta(days=1),
    Preset.WEEK: timedelta(days=7),
    Preset.MONTH: timedelta(days=30),
}
NAMES: Final = ("source", "range", "from", "to", "endpoint", "variant", "class", "threshold", "refresh")
"""What the page reads of its address."""


@dataclass(frozen=True)
class View:
    """What a person chose; None stands for the project's own source, every endpoint, variant and class, no what-if.

    `start` and `end` are both there, or neither: then the `preset` counts. Both are UTC.
    """

    source: str | None = None
    preset: Preset = Preset.ALL
    start: datetime | None = None
    end: datetime | None = None
    endpoint: str | None = None
    variant: str | None = None
    class_index: int | None = None
    what_if: float | None = None
    refreshes: bool = True

    @property
    def key(self) -> str:
        """For widgets that begin anew with another range or other filters."""
        chosen = (self.source, self.preset, self.start, self.end, self.endpoint, self.variant, self.class_index)
        return "/".join(str(value) for value in chosen if value is not None)

    def within(self, start: datetime, end: datetime) -> View:
        """The same from `start` to `end`, which are put apart where they are one."""
        start, end = sorted(min(max(time, EARLIEST), _LATEST) for time in (start, end))
        start, last = start.replace(microsecond=0), end.replace(microsecond=0)
        return replace(self, start=start, end=max(last + _SECOND * (last < end), start + _SHORTEST))

    def window(self, contents: Contents, now: datetime) -> tuple[datetime, datetime]:
        """From when to when; counted back from the newest record where there was none for an hour."""
        if self.start is not None and self.end is not None:
            return self.start, self.end
        first, last = contents.first_at or now, contents.last_at or now
        is_recent = self.preset is not Preset.ALL and now - last < _RECENT
        end = (now if is_recent else last).replace(second=0, microsecond=0) + timedelta(minutes=1)
        length = _LENGTHS.get(self.preset)
        return (end - length if length else first.replace(second=0, microsecond=0)), max(end, last + _SHORTEST)

    def known_to(self, contents: Contents) -> tuple[View, list[str]]:
        """The view without filters for what the source does not have, and what is to be said of those."""
        unknown: dict[str, Any] = {
            name: value
            for name, value, there in (
                ("endpoint", self.endpoint, {stream.endpoint for stream in contents.streams}),
                ("variant", self.variant, {stream.variant for stream in contents.streams}),
                ("class_index", self.class_index, set(contents.classes)),
            )
            if value is not None and value not in there
        }
        nothing: dict[str, Any] = dict.fromkeys(unknown)
        notes = [
            f"This source has no {name.removesuffix('_index')} {value}: all are shown."
            for name, value in unknown.items()
        ]
        return replace(self, **nothing), notes

    def as_query(self) -> dict[str, str]:
        """The address's query; what is as at first is left out."""
        values = {
            "source": self.source,
            "range": None if self.preset is Preset.ALL or self.start else self.preset,
            "from": _text(self.start),
            "to": _text(self.end),
            "endpoint": self.endpoint,
            "variant": self.variant,
            "class": None if self.class_index is None else str(self.class_index),
            "threshold": None if self.what_if is None else f"{self.what_if:g}",
            "refresh": None if self.refreshes else "off",
        }
        return {name: value for name, value in values.items() if value is not None}


def from_query(query: Mapping[str, str]) -> tuple[View, list[str]]:
    """The view of an address, and what is to be said of the parts of it that cannot be meant, which are left out."""
    notes: list[str] = []

    def read(name: str, reader: Any, meaning: str) -> Any:
        if name not in query:
            return None
        try:
            return reader(query[name])
        except (ValueError, OverflowError):
            notes.append(f"The address says {name}={query[name][:100]}, which is no {meaning}: it is left out.")
            return None

    start, end = read("from", _time, "time in UTC"), read("to", _time, "time in UTC")
    view = View(
        source=query.get("source"),
        preset=read("range", Preset, "time range") or Preset.ALL,
        endpoint=query.get("endpoint"),
        variant=query.get("variant"),
        class_index=read("class", _index, "number of a class"),
        what_if=read("threshold", _confidence, "confidence from 0 to 1"),
        refreshes=read("refresh", _switch, "choice of on and off") is not False,
    )
    if start is None and end is None:
        return view, notes
    if start is None or end is None or end <= start:
        notes.append("The address names no time range: it needs from, and to behind it. All is shown.")
        return view, notes
    return view.within(start, end), notes


def _text(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else None


def _time(text: str) -> datetime:
    """Raises ValueError; a time without a zone is UTC."""
    time = datetime.fromisoformat(text)
    time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    if not EARLIEST <= time <= _LATEST:
        raise ValueError(text)
    return time


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError(text)
    return int(text)


def _confidence(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(text)
    return value


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(text)
    return text == "on"
