"""Pass rate, predicted classes and confidences: counts of all records in the range, whose bars lead to images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import charts, monitoring
from pages.monitoring.alarms import shade_alarms
from pages.monitoring.over_time import MODEBAR
from pages.monitoring.shown import Picked, Shown, chart_key, in_words, pick


def draw_pass_rate(shown: Shown) -> None:
    """The pass rate in each step of time, at the deployed threshold and at the other one."""
    threshold, what_if = shown.threshold, shown.what_if
    first = threshold if threshold is not None else what_if
    if first is None:
        return
    st.subheader("Pass rate" if threshold is not None else f"Pass rate at {first:g}, if it were", anchor=False)
    rates = shown.rates
    st.caption(f"In steps of {in_words(rates.step)}.")
    other = None if threshold is None or what_if is None else rates.over_time(what_if)
    figure = charts.pass_rate(rates.over_time(first), rates.step, shown.window, other)
    _draw(shown, "pass_rate", shade_alarms(figure, shown), _step_clicked, alt="Pass rate over time")


def draw_class_mix(shown: Shown) -> None:
    """The share of each predicted class in each step of time."""
    st.subheader("Predicted classes", anchor=False)
    rates = shown.rates
    st.caption(f"In steps of {in_words(rates.step)}.")
    figure = charts.class_mix(rates.class_mix(), rates.step, shown.labels, shown.window)
    _draw(shown, "class_mix", figure, _step_clicked, alt="Predicted classes over time")


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
            "records": shown.summary.known.sum(axis=0),
            "unknown": shown.summary.unknown.sum(axis=0),
            "passes": [number >= first for number in range(len(edges))],
        }
    )
    figure = charts.confidence_histogram(bins, threshold, shown.other)
    _draw(shown, "histogram", figure, _bin_clicked, alt="Histogram of confidences")


def _draw(shown: Shown, name: str, figure: Any, clicked: Callable[[Shown, str], None], *, alt: str) -> None:
    """A chart whose bars and points can be clicked."""
    key = chart_key(shown, name)
    st.plotly_chart(
        figure, key=key, on_select=partial(clicked, shown, key), selection_mode="points", config=MODEBAR, alt=alt
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
        _, low, high, *of_class = points[0]["customdata"]
        pick(of_bar(shown, low, high, int(of_class[0]) if of_class else None))


def of_bar(shown: Shown, low: float, high: float, of_class: int | None) -> Picked:
    """What a bar of the histogram stands for: one class, or all but `other`, which has bars of its own."""
    title = f"Confidences from {low:g} to {high:g}"
    selection = replace(shown.selection, without=shown.other)
    if of_class is not None:
        title = f"{charts.class_label(shown.labels, of_class)}: {title}"
        selection = replace(shown.selection, class_index=of_class)
    return Picked(title, selection, (low, monitoring.EVERY_CONFIDENCE[1] if high >= 1 else high))
