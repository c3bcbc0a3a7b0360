"""What all parts of the page go by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource, Selection, Summary
from pages.monitoring.view import View
from pages.shared import reads

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EVERY_CONFIDENCE: Final = (0.0, float("inf"))
_PICKED, _RECORD = "monitoring.picked", "monitoring.record"
"""In the session: what a click on a chart selected, and the record that is open."""


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
    def is_own(self) -> bool:
        """Whether the records are of the project's own endpoint, which its workflow calls."""
        return self.source.url == monitoring.project_source(self.environment).url

    def step(self, number: int) -> Selection:
        """What is shown of the step of this number since 1970."""
        step = self.summary.step
        return replace(self.selection, start=_EPOCH + number * step, end=_EPOCH + (number + 1) * step)


@dataclass(frozen=True)
class Picked:
    """Records that were selected in a chart, of confidences from the first number to below the second."""

    title: str
    selection: Selection
    confidence: tuple[float, float] = EVERY_CONFIDENCE


def summarized(
    environment: Environment, source: CaptureSource, view: View, window: tuple[datetime, datetime]
) -> Summary:
    """The counts of the view's records."""
    selection = Selection(*window, view.endpoint, view.variant, view.class_index)
    return reads.summarize(environment, source, selection)


def pick(picked: Picked) -> None:
    """Open the pictures of what was selected: for callbacks."""
    st.session_state[_PICKED], st.session_state[_RECORD] = picked, None


def open_record(record_id: int | None) -> None:
    """Open a record; None goes back to the pictures that it is from."""
    st.session_state[_RECORD] = record_id


def close() -> None:
    """Open nothing."""
    st.session_state[_PICKED] = st.session_state[_RECORD] = None


def picked() -> Picked | None:
    """What is selected."""
    found: Picked | None = st.session_state.get(_PICKED)
    return found


def opened_record() -> int | None:
    """The record that is open."""
    found: int | None = st.session_state.get(_RECORD)
    return found


def in_words(length: timedelta) -> str:
    """A length of time in its largest unit, as "5 minutes"."""
    seconds = max(0, round(length.total_seconds()))
    for unit, of_it in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= of_it:
            return _some(seconds / of_it, unit)
    return _some(seconds, "second")


def _some(number: float, unit: str) -> str:
    text = f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:,.0f}"
    return f"{text} {unit}{'' if text == '1' else 's'}"
