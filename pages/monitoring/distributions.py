"""Pass rate, predicted classes and confidences: counts of all records in the range, whose bars lead to images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from backend import charts, monitoring
from pages.monitoring.over_time import MODEBAR
from pages.monitoring.shown import EVERY_CONFIDENCE, Picked, Shown, in_words, pick


def draw_pass_rate(shown: Shown) -> None:
    """The pass rate in each step of time, at the deployed threshold and at the other one."""
    threshold, what_if = shown.threshold, shown.what_if
    first = threshold if threshold is not None else what_if
    if first is None:
        return
    st.subheader("Pass rate" if threshold is not None else f"Pass rate at {first:g}, if it were", anchor=False)
    other = what_if if threshold is not None else None
    key = f"monitoring.pass_rate.{shown.view.key}"
    summary = shown.summary
    st.plotly_chart(
        charts.pass_rate(
            summary.over_time(first), summary.step, shown.window, None if other is None else summary.over_time(other)
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
    key = f"monitoring.class_mix.{shown.view.key}"
    st.plotly_chart(
        charts.class_mix(shown.summary.class_mix(), shown.summary.step, shown.labels, shown.window),
        key=key,
        on_select=partial(_step_clicked, shown, key),
        selection_mode="points",
        config=MODEBAR,
        alt="Predicted classes over time",
    )


def draw_histogram(shown: Shown) -> None:
    """How many records had which confidence: all in the range."""
    st.subheader("Confidences", anchor=False)
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
    key = f"monitoring.histogram.{shown.view.key}"
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
    _, number, time, *of_class = points[0]["customdata"]
    title = f"From {time}, {in_words(shown.summary.step)}"
    selection = shown.step(int(number))
    if of_class:
        title = f"{charts.class_label(shown.labels, int(of_class[0]))}, {title[0].lower()}{title[1:]}"
        selection = replace(selection, class_index=int(of_class[0]))
    pick(Picked(title, selection))


def _bin_clicked(shown: Shown, key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        _, low, high = points[0]["customdata"]
        below = EVERY_CONFIDENCE[1] if high >= 1 else high
        pick(Picked(f"Confidences from {low:g} to {high:g}", shown.selection, (low, below)))
