"""Pass rate, predicted classes and confidences: counts of all records in the range, whose bars lead to images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from backend import charts, monitoring
from pages.monitoring.over_time import MODEBAR
from pages.monitoring.shown import EVERY_CONFIDENCE, Picked, Shown, chart_key, in_words, pick


def draw_pass_rate(shown: Shown) -> None:
    """The pass rate in each step of time, at the deployed threshold and at the other one."""
    threshold, what_if = shown.threshold, shown.what_if
    first = threshold if threshold is not None else what_if
    if first is None:
        return
    st.subheader("Pass rate" if threshold is not None else f"Pass rate at {first:g}, if it were", anchor=False)
    st.caption(f"In steps of {in_words(shown.rates.step)}.")
    other = what_if if threshold is not None else None
    key = chart_key(shown, "pass_rate")
    rates = shown.rates
    st.plotly_chart(
        charts.pass_rate(
            rates.over_time(first), rates.step, shown.window, None if other is None else rates.over_time(other)
        ),
        key=key,
        on_select=partial(_step_clicked, shown, key),
        selection_mode="points",
        config=MODEBAR,
        alt="Pass rate over time",
    )


def draw_class_mix(shown: Shown) -> None:
    """The share of each predicted class in each step of time."""
    st.subheader("Predicted classes", anchor=False)
    rates = shown.rates
    st.caption(f"In steps of {in_words(rates.step)}.")
    key = chart_key(shown, "class_mix")
    st.plotly_chart(
        charts.class_mix(rates.class_mix(), rates.step, shown.labels, shown.window),
        key=key,
        on_select=partial(_step_clicked, shown, key),
        selection_mode="points",
        config=MODEBAR,
        alt="Predicted classes over time",
    )


def draw_histogram(shown: Shown) -> None:
    """How many records had which confidence: all in the range."""
    st.subheader("Confidences", anchor=False)
    st.caption("All records in the range.")
    threshold = shown.threshold
    edges = monitoring.EDGES
    first = 0 if threshold is None else monitoring.first_bin(threshold)
    bins = pd.DataFrame(
        {
            "low": edges,
            "records": shown.summary.by_confidence(),
            "passes": [number >= first for number in range(len(edges))],
        }
    )
    key = chart_key(shown, "histogram")
    st.plotly_chart(
        charts.confidence_histogram(bins, threshold),
        key=key,
        on_select=partial(_bin_clicked, shown, key),
        selection_mode="points",
        config=MODEBAR,
        alt="Histogram of confidences",
    )


def _step_clicked(shown: Shown, key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if not points or not points[0].get("customdata"):
        return
    _, seconds, _, *of_class = points[0]["customdata"]
    step = shown.step(int(seconds), shown.rates.step)
    if of_class:
        label = charts.class_label(shown.labels, int(of_class[0]))
        step = replace(
            step, title=f"{label}: {step.title}", selection=replace(step.selection, class_index=int(of_class[0]))
        )
    pick(step)


def _bin_clicked(shown: Shown, key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        _, low, high = points[0]["customdata"]
        below = EVERY_CONFIDENCE[1] if high >= 1 else high
        pick(Picked(f"Confidences from {low:g} to {high:g}", shown.selection, (low, below)))
