"""The accuracy of the window: estimated beside realised, each with its interval or why it is not shown."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import charts
from backend.accuracy import Interval, Withheld
from backend.quality import Realised
from backend.wording import count_of
from pages.accuracy.shown import Shown
from pages.shared.answered import STILL, percent
from pages.shared.environment import part
from pages.shared.text import as_text

_SECONDS = 3.0
"""How often labels are looked for while there are some to come."""
_ESTIMATED = (
    "Without a label: how sure the model is, at the temperature that its evaluation fits. It holds for images like "
    "those of the evaluation, which is why it is withheld while they are known not to be."
)
_REALISED = "By what the images really are: of the dataset, of traffic, and what people said."


def draw_accuracy(shown: Shown) -> None:
    """Both figures; while a sample is being labelled they are drawn anew as labels come."""
    sample = shown.sample()
    is_labelled_now = sample is not None and sample.done < sample.total and not shown.window.is_known.all()

    @st.fragment(run_every=_SECONDS if is_labelled_now else None)
    def draw() -> None:
        with part():
            estimated, realised = shown.estimated(), shown.realised()
            left, right = st.columns(2)
            with left, st.container(border=True, key="accuracy.estimated", height="stretch"):
                _draw_estimated(shown, estimated)
            with right, st.container(border=True, key="accuracy.realised", height="stretch"):
                _draw_realised(realised)
            _draw_chart(estimated, realised)

    draw()


def in_points(interval: Interval) -> str:
    """From where to where an interval is."""
    return f"{interval.low:.1%} to {interval.high:.1%}"


def of_labels(realised: Realised) -> str:
    """What a realised accuracy rests on, in a sentence."""
    if (sample := realised.sample) is not None:
        return (
            f"{in_points(realised.of_window)} with 95 % confidence, from {sample.labelled:,} of "
            f"{count_of(sample.total, 'label')} of a stratified sample of {count_of(realised.records, 'record')}."
            + (f" {count_of(sample.passed_over, 'picture')} may be anything." if sample.passed_over else "")
            + ("" if sample.is_complete else " It may be looked at after each label; the last one narrows it.")
        )
    if realised.labelled == realised.records:
        return (
            f"All {count_of(realised.records, 'record')} have a label: of these it is exact. Of traffic like it, "
            f"{in_points(realised.of_traffic)} with 95 % confidence."
        )
    return (
        f"{realised.labelled:,} of {count_of(realised.records, 'record')} have a label: it is this, whatever the "
        f"others are. Of traffic like it, {in_points(realised.of_traffic)} with 95 % confidence."
    )


def figure_of(realised: Realised) -> str:
    """A realised accuracy as a figure: only its interval where no more is known."""
    return percent(realised.of_window.value) if realised.has_value else in_points(realised.of_window)


def _draw_estimated(shown: Shown, estimated: Interval | Withheld) -> None:
    if isinstance(estimated, Withheld):
        st.metric("Estimated accuracy", "withheld", help=_ESTIMATED)
        st.caption(as_text(estimated.reason))
        return
    st.metric("Estimated accuracy", percent(estimated.value), help=_ESTIMATED)
    st.caption(
        f"{in_points(estimated)} with 95 % confidence, without a label, from the confidences of "
        f"{count_of(len(shown.window), 'record')}."
    )


def _draw_realised(realised: Realised | Withheld) -> None:
    if isinstance(realised, Withheld):
        st.metric("Realised accuracy", "not known", help=_REALISED)
        st.caption(as_text(realised.reason))
        return
    st.metric("Realised accuracy", figure_of(realised), help=_REALISED)
    st.caption(of_labels(realised))


def _draw_chart(estimated: Interval | Withheld, realised: Realised | Withheld) -> None:
    """Both below each other, where there are both: whether one holds the other is seen at once."""
    if isinstance(estimated, Withheld) or isinstance(realised, Withheld):
        return
    shown = {"Estimated": estimated, "Realised": realised.of_traffic if realised.sample is None else realised.of_window}
    st.plotly_chart(
        charts.accuracy_intervals(pd.DataFrame([{"title": title} | vars(found) for title, found in shown.items()])),
        key="accuracy.intervals",
        config=STILL,
        alt="Estimated and realised accuracy",
    )
