"""The confidences over time, and what another threshold would have made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from backend import charts, monitoring
from backend.staging.labels import OTHER
from pages.monitoring.alarms import draw_alarm_names, shade_alarms
from pages.monitoring.drifting import mark_changes
from pages.monitoring.shown import Shown, chart_key, in_words, open_record, pick
from pages.shared import reads
from pages.shared.captured.address import Changes, change, chosen, follow_view
from pages.shared.environment import part
from pages.shared.times import format_time

_POINTS: Final = 3_000
"""Records that are drawn one by one; more are drawn as bands."""
_WITH_POINTS: Final = "Open points are below the threshold; click one to see its image."
_WITH_OTHER: Final = "Open points do not pass: below the threshold, or not a known class; click one to see its image."
_WITH_BANDS: Final = "A point is the least sure record of its step; click it, or a band, to see images."
_SLIDER, _NUMBER = "monitoring.what_if", "monitoring.what_if_number"
MODEBAR: Final[dict[str, Any]] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"],
    "toImageButtonOptions": {"format": "png", "filename": "monitoring", "scale": 2},
}


def time_figure(shown: Shown) -> Any:
    """Points where there are few enough, else bands."""
    records = reads.captured_records(shown.environment, shown.source, shown.selection, _POINTS)
    if records is not None:
        points = charts.confidence_points(
            records, shown.threshold, shown.labels, shown.window, shown.what_if, shown.other
        )
        return mark_changes(shade_alarms(points, shown), shown)
    summary = shown.summary
    steps = summary.over_time(shown.threshold)
    bands = charts.confidence_bands(
        steps, summary.lowest, summary.step, shown.threshold, shown.labels, shown.window, shown.what_if, shown.other
    )
    return mark_changes(shade_alarms(bands, shown), shown)


def draw_over_time(shown: Shown) -> None:
    """The confidences, and below them the records per step, over which a range can be drawn to look into it."""
    st.subheader("Confidence over time", anchor=False)
    is_banded = reads.captured_records(shown.environment, shown.source, shown.selection, _POINTS) is None
    with_points = _WITH_POINTS if shown.other is None else _WITH_OTHER
    start, end = (format_time(time).removesuffix(" UTC") for time in shown.window)
    st.caption(
        f"From {start} to {end} UTC, in steps of {in_words(shown.summary.step)}. "
        f"{_WITH_BANDS if is_banded else with_points} Drag over the bars below the chart to look into that time."
    )
    draw_alarm_names(shown)
    with part():
        key = chart_key(shown, "over_time")
        st.plotly_chart(
            time_figure(shown),
            key=key,
            on_select=partial(_selected, shown, key),
            selection_mode=("points", "box"),
            config=MODEBAR,
            alt="Confidence over time",
        )
    with part():
        key = chart_key(shown, "traffic")
        st.plotly_chart(
            charts.traffic(
                shown.summary.over_time(None),
                shown.summary.step,
                shown.window,
                has_lines=shown.threshold is not None or shown.what_if is not None,
            ),
            key=key,
            on_select=partial(_selected, shown, key),
            selection_mode="box",
            config={"displayModeBar": False},
            alt="Records over time",
        )


def draw_what_if(shown: Shown) -> None:
    """What passes, and what would pass at another threshold. Nothing is deployed by it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="monitoring.passing"):
        if shown.threshold is not None:
            st.metric(f"Pass rate at {shown.threshold:g}", _rate(shown, shown.threshold), width=150, border=True)
        if shown.what_if is not None:
            st.metric(f"What if {shown.what_if:g}", _rate(shown, shown.what_if), width=150, border=True)
        if shown.other is not None:
            share = _share(int(shown.summary.unknown.sum()), shown.summary.records)
            help_text = "Not a known class: they are among all records, and pass at no threshold."
            st.metric(f"Answered {OTHER}", share, help=help_text, width=150, border=True)
        value = shown.view.what_if if shown.view.what_if is not None else shown.threshold
        follow_view(_SLIDER, value or 0.0)
        follow_view(_NUMBER, value)
        st.slider(
            "What if the threshold were",
            0.0,
            1.0,
            step=0.001,
            format="%.3f",
            key=_SLIDER,
            on_change=chosen,
            args=(_SLIDER, partial(_what_if, shown.threshold)),
            help="What the pass rate would have been. Nothing is deployed by it: the Workflow page does that.",
            width=300,
        )
        st.number_input(
            "Threshold to try",
            0.0,
            1.0,
            step=0.005,
            format="%.4f",
            placeholder="none",
            key=_NUMBER,
            on_change=chosen,
            args=(_NUMBER, partial(_what_if, shown.threshold)),
            label_visibility="collapsed",
            width=130,
        )
    tried = [value for value in (shown.threshold, shown.what_if) if value is not None and not monitoring.is_edge(value)]
    for value in tried:
        nearest = monitoring.EDGES[monitoring.first_bin(value)]
        st.caption(f"Counted at {nearest:g}, the step nearest to {value:g}.")


def _rate(shown: Shown, threshold: float) -> str:
    return _share(shown.summary.passing(threshold), shown.summary.records)


def _share(part_of_them: int, records: int) -> str:
    return f"{part_of_them / records:.1%}" if records else "-"


def _what_if(threshold: float | None, value: float | None) -> Changes:
    """The deployed threshold is no other one; without one, everything passes at 0."""
    return {"what_if": None if value == threshold or (threshold is None and not value) else value}


def _selected(shown: Shown, key: str) -> None:
    """A drawn range is looked into; a point is opened, and of a step the newest images."""
    selection = st.session_state[key]["selection"]
    if selection["box"]:
        start, end = sorted(_time(value) for value in selection["box"][0]["x"])
        looked_at = shown.view.within(start, end)
        change(start=looked_at.start, end=looked_at.end)
    elif selection["points"]:
        kind, number, *_ = selection["points"][0]["customdata"]
        if kind == "record":
            open_record(int(number))
        else:
            pick(shown.step(int(number), shown.summary.step))


def _time(value: Any) -> datetime:
    """As Plotly has it: a text without a zone, or milliseconds since 1970."""
    time = pd.Timestamp(value, unit="ms") if isinstance(value, (int, float)) else pd.Timestamp(value)
    return time.to_pydatetime().replace(tzinfo=UTC)
