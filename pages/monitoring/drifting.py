"""Drift alarms that are on: said above the charts, and since when in the one over time."""

from __future__ import annotations

from typing import Any

import streamlit as st

from backend import charts, drift_alarm
from backend.drift_alarm import Standing
from backend.errors import SconesError
from pages.monitoring.shown import Shown
from pages.shared import PagePath, reads
from pages.shared.text import as_text


def draw_drift(shown: Shown) -> None:
    """Which variants' drift alarm is on, with a way to what it tells; nothing where none is."""
    for standing in _alarmed(shown):
        told = drift_alarm.alarm_sentence(standing, [as_text(label) for label in shown.labels])
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            variant = as_text(standing.watched.variant)
            st.markdown(f":material/notifications_active: :red[**Drift of {variant}.**] {told}")
            st.page_link(PagePath.DRIFT, icon=":material/arrow_forward:", query_params=_query(shown, standing))


def mark_changes(figure: Any, shown: Shown) -> Any:
    """The figure with since when things are otherwise, as far as alarms that are on tell."""
    try:
        alarmed = _alarmed(shown)
    except SconesError:
        return figure  # what keeps it from being known is said above
    start, end = shown.window
    times = [drift_alarm.at(standing.alarm.since_time) for standing in alarmed if standing.alarm]
    return charts.mark_changes(figure, [time for time in times if start <= time < end])


def _alarmed(shown: Shown) -> list[Standing]:
    """The alarms that are on, of the variants that are shown."""
    standings = reads.drift_standings(shown.environment, shown.source)
    return [
        standing
        for (endpoint, variant), standing in standings.items()
        if shown.view.endpoint in (None, endpoint) and shown.view.variant in (None, variant) and standing.alarm
    ]


def _query(shown: Shown, standing: Standing) -> dict[str, str]:
    source = {} if shown.is_own else {"source": shown.source.url}
    names = {"endpoint": standing.watched.endpoint, "variant": standing.watched.variant}
    return source | {name: value for name, value in names.items() if value}
