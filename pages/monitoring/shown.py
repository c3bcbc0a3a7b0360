"""What all parts of the page go by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring import EVERY_CONFIDENCE, CaptureSource, Selection, Summary
from backend.staging.labels import OTHER
from pages.shared import reads
from pages.shared.captured.view import View
from pages.shared.times import format_time

_RATES: Final = 60  # steps of charts that draw shares
_UNITS: Final = (("days", 86_400), ("hours", 3_600), ("min", 60))
_PICKED, _RECORD, _CLOSED = "monitoring.picked", "monitoring.record", "monitoring.closed"
"""In the session: what a click on a chart selected, the record that is open, and how often such was closed."""


@dataclass(frozen=True)
class Shown:
    """The records that the page shows, their counts, and what is known of their classes.

    `threshold` is the deployed one, None where there is none or it is not known.
    """

    environment: Environment
    source: CaptureSource
    view: View
    summary: Summary
    threshold: float | None
    labels: tuple[str, ...]

    @property
    def selection(self) -> Selection:
        """What was counted: what was asked for, widened to whole steps."""
        return self.summary.selection

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.selection.start, self.selection.end

    @property
    def what_if(self) -> float | None:
        """Another threshold than the deployed one, to be looked at."""
        return None if self.view.what_if == self.threshold else self.view.what_if

    @property
    def other(self) -> int | None:
        """The index of the class of what is of no known one; None where no class is called so."""
        return index_of_other(self.labels)

    @property
    def is_own(self) -> bool:
        """Whether the records are of the project's own endpoint, which its workflow calls."""
        return self.source.url == monitoring.project_source(self.environment).url

    @property
    def has_rate(self) -> bool:
        """Whether there is a threshold that records can pass."""
        return self.threshold is not None or self.what_if is not None

    @property
    def rates(self) -> Summary:
        """The counts in steps that are long enough for shares."""
        return self.summary.merged(_RATES)

    def step(self, seconds: int, length: timedelta) -> Picked:
        """What is shown of the step of this length that begins so many seconds after 1970."""
        start = datetime.fromtimestamp(seconds, UTC)
        selection = replace(self.selection, start=start, end=min(start + length, self.selection.end))
        return Picked(f"From {format_time(start).removesuffix(' UTC')}, {in_words(length)}", selection)


@dataclass(frozen=True)
class Picked:
    """Records that were selected in a chart, of confidences from the first number to below the second."""

    title: str
    selection: Selection
    confidence: tuple[float, float] = EVERY_CONFIDENCE


def summarized(
    environment: Environment,
    source: CaptureSource,
    view: View,
    window: tuple[datetime, datetime],
    labels: tuple[str, ...],
) -> Summary:
    """The counts of the view's records."""
    selection = Selection(*window, view.endpoint, view.variant, view.class_index)
    return reads.summarize(environment, source, selection, index_of_other(labels))


def index_of_other(labels: tuple[str, ...]) -> int | None:
    """Which class stands for what is of no known one, by its name; None for none."""
    return labels.index(OTHER) if OTHER in labels else None


def pick(picked: Picked) -> None:
    """Open the pictures of what was selected: for callbacks."""
    st.session_state[_PICKED], st.session_state[_RECORD] = picked, None


def open_record(record_id: int | None) -> None:
    """Open a record; None goes back to the pictures that it is from."""
    st.session_state[_RECORD] = record_id


def close() -> None:
    """Open nothing. What was clicked can be clicked again: the charts forget it."""
    st.session_state[_PICKED] = st.session_state[_RECORD] = None
    st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + 1


def chart_key(shown: Shown, name: str) -> str:
    """The key of a chart, which begins anew with another range, other filters, or once what it led to was closed."""
    return f"monitoring.{name}.{shown.view.key}.{st.session_state.get(_CLOSED, 0)}"


def picked() -> Picked | None:
    """What is selected."""
    found: Picked | None = st.session_state.get(_PICKED)
    return found


def opened_record() -> int | None:
    """The record that is open."""
    found: int | None = st.session_state.get(_RECORD)
    return found


def in_words(length: timedelta) -> str:
    """A length of time in its largest unit, as "5 min" or "1.5 days"."""
    seconds = max(0, round(length.total_seconds()))
    unit, of_it = next(((unit, of_it) for unit, of_it in _UNITS if seconds >= of_it), ("s", 1))
    number = seconds / of_it
    text = f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:,.0f}"
    return f"{text} {unit.removesuffix('s') if text == '1' and len(unit) > 1 else unit}"
