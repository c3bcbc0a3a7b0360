"""Choosing what is shown: the time range, and the endpoint, variant and class."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from backend import charts
from backend.monitoring import Contents
from pages.shared.captured.address import Changes, change, chosen, follow_view
from pages.shared.captured.view import Preset, View
from pages.shared.text import visible

_PRESET, _FROM, _TO = "monitoring.range", "monitoring.from", "monitoring.to"
_LONG_AGO = datetime(2017, 1, 1)  # the widget knows no zones


def choose_range(view: View, start: datetime, end: datetime) -> None:
    """Presets, a start and an end, and ways to look before, behind and around what is shown."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="monitoring.ranges"):
        follow_view(_PRESET, None if view.start else view.preset)
        st.segmented_control("Time range", list(Preset), key=_PRESET, on_change=chosen, args=(_PRESET, _preset))
        _choose_times(start, end)
        half = (end - start) / 2
        for name, icon, tip, window in (
            ("back", "chevron_left", "Look further back", (start - half, end - half)),
            ("out", "zoom_out", "Zoom out", (start - half, end + half)),
            ("forth", "chevron_right", "Look further on", (start + half, end + half)),
        ):
            st.button(
                "",
                key=f"monitoring.{name}",
                icon=f":material/{icon}:",
                help=tip,
                on_click=_look,
                args=(view.within(*window),),
            )


def _choose_times(start: datetime, end: datetime) -> None:
    """The range in words, behind which it can be typed."""
    title = f"{_short(start)} to {_short(end)}"
    popover = st.popover(title, icon=":material/date_range:", key="monitoring.times")
    with popover, st.form("monitoring.times.form", border=False):
        for key, label, time in ((_FROM, "From, UTC", start), (_TO, "To, UTC", end)):
            st.session_state[key] = time.astimezone(UTC).replace(tzinfo=None, microsecond=0)
            st.datetime_input(label, min_value=_LONG_AGO, step=60, key=key)
        st.form_submit_button("Show", key="monitoring.times.show", on_click=_times_chosen)


def choose_filters(view: View, contents: Contents, labels: Sequence[str] | None) -> None:
    """The endpoint, variant and, for a page that knows their `labels`, class: each where there is more than one."""
    endpoints = sorted({stream.endpoint for stream in contents.streams})
    variants = sorted({stream.variant for stream in contents.streams if view.endpoint in (None, stream.endpoint)})
    with st.container(horizontal=True, vertical_alignment="bottom", key="monitoring.filters"):
        _choose("endpoint", "Endpoint", endpoints, view.endpoint, "All endpoints")
        _choose("variant", "Variant", variants, view.variant, "All variants")
        if labels is not None:
            names = {index: charts.class_label(labels, index) for index in contents.classes}
            _choose("class_index", "Predicted class", list(names), view.class_index, "All classes", names)


def _choose(
    field: str, label: str, options: Sequence[Any], selected: Any, all_of_them: str, names: dict[Any, str] | None = None
) -> None:
    if len(options) < 2 and selected is None:
        return
    key = f"monitoring.{field}"
    follow_view(key, selected)
    st.selectbox(
        label,
        options,
        format_func=lambda option: visible((names or {}).get(option, option) or "-"),
        placeholder=all_of_them,
        key=key,
        width=220,
        on_change=chosen,
        args=(key, lambda value: {field: value}),
    )


def _preset(value: str | None) -> Changes:
    return {"preset": Preset(value), "start": None, "end": None} if value else {}


def _times_chosen() -> None:
    start, end = (st.session_state[key] for key in (_FROM, _TO))
    if start and end:
        _look(View().within(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)))


def _look(at: View) -> None:
    change(start=at.start, end=at.end)


def _short(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}".removesuffix(":00")
