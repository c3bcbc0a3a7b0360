"""How different a window is from the baseline in the usual figures, each beside what chance alone makes of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from backend import charts, drift_alarm
from backend.drift import Records, describe
from backend.drift_alarm import Standing
from backend.monitoring.drifting import selected_records
from backend.wording import count_of
from pages.drift.shown import Shown
from pages.shared.text import visible

_SIZES: Final = (100, 500, 1_000, 5_000)


def draw_descriptions(shown: Shown, standing: Standing) -> None:
    """Index and distance of each feature, and the class mix, of the newest records: none of them is a verdict."""
    st.subheader("Beside the baseline", anchor=False)
    size = st.segmented_control(
        "Newest records",
        _SIZES,
        default=500,
        required=True,
        key="drift.size",
        persist_state="session",
        format_func=lambda number: f"{number:,}",
    )
    watched = standing.watched
    window = selected_records(
        shown.environment, shown.source, shown.selection(watched.since), watched.other, size or _SIZES[0]
    )
    if not len(window):
        st.caption("No record has come since the baseline.")
        return
    st.caption(
        f"Of the newest {count_of(len(window), 'record')}. In 95 % of windows as large that chance alone makes, a "
        "figure is at most as large as it says beside it: below that it means nothing, and above it is no verdict "
        "either. The alarm is."
    )
    with st.grid(2, min_column_width=340):
        with st.container():
            _draw_figures(shown, standing, window)
        with st.container():
            _draw_mix(shown, standing, window.class_index)


def _draw_figures(shown: Shown, standing: Standing, window: Records) -> None:
    found = describe.describe(standing.watched.usual.baseline.baseline(), window)
    st.dataframe(
        pd.DataFrame(
            {
                "Feature": [
                    visible(drift_alarm.feature_words(of.column.feature, None, shown.labels)).capitalize()
                    for of in found
                ],
                "PSI": [of.psi.value for of in found],
                "PSI by chance": [of.psi.by_chance for of in found],
                "KS": [of.ks.value for of in found],
                "KS by chance": [of.ks.by_chance for of in found],
            }
        ),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(name, format="%.3f", help=help_)
            for name, help_ in (
                ("PSI", "Population stability index over the baseline's deciles"),
                ("PSI by chance", "What chance alone does not exceed in 95 % of windows as large"),
                ("KS", "Kolmogorov and Smirnov's distance: the largest between the distribution functions"),
                ("KS by chance", "What chance alone does not exceed in 95 % of windows as large"),
            )
        },
    )


def _draw_mix(shown: Shown, standing: Standing, class_index: np.ndarray) -> None:
    usual = np.array(standing.watched.usual.by_class)
    counts = np.bincount(class_index, minlength=len(usual))
    usual = np.pad(usual, (0, len(counts) - len(usual)))
    mix = describe.class_mix(usual, counts)
    names = [charts.class_label(shown.labels, index) for index in range(len(counts))]
    figure = charts.drift_bars(names, mix.baseline.tolist(), mix.window.tolist(), ["Baseline", "Newest"])
    st.markdown("**Class mix**")
    st.plotly_chart(figure, key="drift.mix", config={"displayModeBar": False}, alt="Class mix of baseline and window")
    st.caption(f"Its index is {mix.psi.value:.3f}; by chance alone up to {mix.psi.by_chance:.3f}.")
