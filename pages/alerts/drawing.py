"""A rule's figure over the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from backend import alerts, charts
from backend.alerts import Preview, Rule, Unit
from backend.aws.environment import Environment
from backend.wording import count_of
from pages.shared import reads


def draw_preview(
    environment: Environment, rule: Rule, spans: Sequence[tuple[datetime, datetime]] | None, *, key: str
) -> None:
    """The figure with its threshold. Shaded are these times, or for None those in which the rule would have alarmed."""
    preview = reads.preview_rule(environment, rule)
    would = spans is None
    if spans is None:
        spans = [(episode.start, episode.end) for episode in preview.alarms]
    windows = preview.windows
    if would:
        st.markdown(_said_of(preview))
    values = pd.DataFrame(
        {
            "time": pd.date_range(windows.start, periods=windows.count, freq=pd.Timedelta(windows.period)),
            "value": [reading.value if reading else None for reading in preview.readings],
        }
    ).astype({"value": float})
    there = values.dropna()
    if there.empty:
        if not would:
            st.caption("There is no value yet.")
        return
    start = there["time"].iloc[0].to_pydatetime()
    is_share = rule.watched.unit is Unit.SHARE
    figure = charts.watched_figure(
        values, rule.threshold, spans, (start, windows.end), alerts.subject(rule), is_share=is_share
    )
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt="The rule's figure")
    shaded = "it would have been in ALARM" if would else "it was in ALARM"
    st.caption(
        f"One value for each {alerts.in_words(rule.period_seconds)}, by the time of inference. Shaded: {shaded}."
    )


def _said_of(preview: Preview) -> str:
    """How often it would have alarmed, and for how long."""
    windows = preview.windows
    span = f"From {windows.start:%Y-%m-%d %H:%M} to {windows.end:%Y-%m-%d %H:%M} UTC"
    if not any(reading is not None for reading in preview.readings):
        return f"{span} there is no value to try the rule on."
    if not preview.alarms:
        return f"{span} it would not have alarmed."
    often = count_of(len(preview.alarms), "alarm")
    return f"{span}: **{often}**, {_duration(preview.time_in_alarm)} in all."


def _duration(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a minute"
