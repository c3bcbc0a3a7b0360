"""Two windows, or two variants, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pandas as pd
import streamlit as st

from backend import charts, quality
from backend.accuracy import Compared, Interval, WindowFigures, Withheld, compare
from backend.monitoring import Selection
from backend.wording import as_words, count_of
from pages.accuracy.shown import Shown, whole_seconds
from pages.shared import reads
from pages.shared.answered import STILL
from pages.shared.missing import draw_missing
from pages.shared.text import as_text, visible
from pages.shared.times import format_time

_HALVES, _BEFORE, _RANGE = "halves", "before", "range"
_TIMES: Final = {
    _HALVES: "The window's halves",
    _BEFORE: "With as long a time before",
    _RANGE: "With another range",
}
_AGAINST, _FROM, _TO = "accuracy.against", "accuracy.from", "accuracy.to"
_LONG_AGO: Final = datetime(2017, 1, 1)  # the widget knows no zones


def draw_comparison(shown: Shown) -> None:
    """Each figure of both, and the difference with its interval."""
    chosen = _choose(shown)
    if chosen is None:
        return
    first, second = (shown.another(selection) for selection in chosen)
    if first is None or second is None:
        draw_missing(f"There are more than {quality.MOST_RECORDS:,} records to compare with: choose a shorter range.")
        return
    if not len(first.window) or not len(second.window):
        draw_missing("There is no record to compare with: choose another time.")
        return
    rows = compare(_figures(first), _figures(second), shown.labels)
    st.caption(f"First: {_in_words(first)}. Second: {_in_words(second)}.")
    _draw_table(rows)
    st.plotly_chart(
        charts.accuracy_differences(
            pd.DataFrame(
                [{"title": _title(row), "is_certain": row.is_certain} | vars(row.difference) for row in rows],
                columns=["title", "is_certain", "value", "low", "high"],
            )
        ),
        key=f"accuracy.differences.{first.key}.{second.key}",
        config=STILL,
        alt="Differences between the two windows",
    )
    st.caption(
        "Differences are the second less the first, in points. Each interval is for its figure alone, with 95 % "
        "confidence: of twenty without a difference one is beside zero by chance. Variants that were asked about the "
        "same images differ less by chance than these intervals allow for."
    )
    _draw_withheld(first, second)


def _choose(shown: Shown) -> tuple[Selection, Selection] | None:
    """The two to compare: the window and another time, its halves, or it and another variant at the same time."""
    variants = _variants(shown)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        against = st.selectbox(
            "Compare",
            [*_TIMES, *variants],
            format_func=lambda option: _TIMES.get(option) or f"With variant {visible(option)}",
            key=_AGAINST,
            persist_state="session",
            width=300,
        )
        if against == _RANGE:
            other = _range(shown)
            return (other, shown.selection) if other else None
    start, length = shown.selection.start, shown.selection.end - shown.selection.start
    if against == _HALVES:
        middle = start + length / 2
        return replace(shown.selection, end=middle), replace(shown.selection, start=middle)
    if against == _BEFORE:
        return replace(shown.selection, start=start - length, end=start), shown.selection
    return replace(shown.selection, variant=against), shown.selection


def _variants(shown: Shown) -> Sequence[str]:
    """Those beside the shown one; with none chosen, all records are of any of them."""
    contents = reads.capture_contents(shown.environment, shown.source)
    if contents is None or shown.view.variant is None:
        return []
    found = {stream.variant for stream in contents.streams if shown.view.endpoint in (None, stream.endpoint)}
    return sorted(found - {shown.view.variant, *_TIMES})


def _range(shown: Shown) -> Selection | None:
    start = st.datetime_input("From, UTC", None, min_value=_LONG_AGO, step=60, key=_FROM, persist_state="session")
    end = st.datetime_input("To, UTC", None, min_value=_LONG_AGO, step=60, key=_TO, persist_state="session")
    if not start or not end or start >= end:
        st.caption("Choose when it begins and, later, ends.")
        return None
    chosen = replace(shown.selection, start=start.replace(tzinfo=UTC), end=end.replace(tzinfo=UTC))
    return whole_seconds(shown.view, chosen)


def _figures(shown: Shown) -> WindowFigures:
    return quality.figures_of(shown.window, shown.threshold, shown.estimated(), shown.realised())


def _draw_table(rows: Sequence[Compared]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "": [_title(row) for row in rows],
                "First": [_with_interval(row.first) for row in rows],
                "Second": [_with_interval(row.second) for row in rows],
                "Difference": [f"{100 * row.difference.value:+.1f}" for row in rows],
                "95 % interval": [
                    f"{100 * row.difference.low:+.1f} to {100 * row.difference.high:+.1f}" for row in rows
                ],
                "More than chance": ["yes" if row.is_certain else "no" for row in rows],
            }
        ),
        hide_index=True,
        height="content",
        key="accuracy.compared",
    )


def _draw_withheld(first: Shown, second: Shown) -> None:
    """Which accuracies are not compared, and why."""
    for window, shown in (("first", first), ("second", second)):
        for name, found in (("Estimated", shown.estimated()), ("Realised", shown.realised())):
            if isinstance(found, Withheld):
                st.caption(as_text(f"{name} accuracy of the {window}: {found.reason}"))


def _title(row: Compared) -> str:
    return visible(as_words(row.title))


def _with_interval(found: Interval) -> str:
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"


def _in_words(shown: Shown) -> str:
    selection = shown.selection
    start, end = (format_time(time).removesuffix(" UTC") for time in (selection.start, selection.end))
    variant = f" of variant {as_text(selection.variant)}" if selection.variant else ""
    return f"{count_of(len(shown.window), 'record')}{variant} from {start} to {end} UTC"
