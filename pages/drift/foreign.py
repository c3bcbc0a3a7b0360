"""Images of no known class: how many were answered so, and how many could be noticed at all."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from backend import drift_alarm
from backend.drift import Feature
from backend.drift_alarm import Noticing, Standing
from backend.evaluation import Evaluation, Proportion
from pages.drift.shown import Shown
from pages.shared import reads
from pages.shared.text import as_text

_ONE_IN: Final = {0.01: "1 in 100", 0.02: "1 in 50", 0.05: "1 in 20", 0.1: "1 in 10", 0.2: "1 in 5", 0.5: "1 in 2"}


def draw_foreign(shown: Shown, standing: Standing) -> None:
    """The share answered `other`, and by the evaluation of the model the arithmetic of what could be noticed."""
    st.subheader("Images of no known class", anchor=False)
    other = standing.watched.other
    if other is None:
        st.markdown(
            "This model has no class for them: it must answer each as a known one, mostly with high confidence. "
            "Stage images with the class other, and train on them, to have such images told apart."
        )
    else:
        _draw_share(shown, standing, other)
    evaluation = _evaluation(shown, standing)
    found = drift_alarm.noticing(evaluation, standing) if evaluation else None
    if found is None:
        st.caption(
            "How many could be noticed cannot be said: the deployed model was not evaluated on images of classes that "
            "its training never saw. Stage with classes kept out, or evaluate with a folder of other pictures."
        )
        return
    _draw_noticing(found, standing)


def _draw_share(shown: Shown, standing: Standing, other: int) -> None:
    selection = shown.selection(standing.watched.since)
    counted = Proportion(*reads.count_class(shown.environment, shown.source, selection, other))
    if not counted.total:
        return
    low, high = counted.interval
    usual = standing.watched.usual
    before = Proportion(usual.by_class[other] if other < len(usual.by_class) else 0, sum(usual.by_class))
    st.markdown(
        f"**{counted.count:,} of {counted.total:,} records since the baseline were answered other: "
        f"{counted.share or 0:.1%}** (95 % interval {low:.1%} to {high:.1%}); of the baseline {before.share or 0:.1%}."
    )


def _evaluation(shown: Shown, standing: Standing) -> Evaluation | None:
    job = standing.watched.usual.job
    if job is not None:
        return reads.read_evaluation(shown.environment, job)
    found = reads.evaluated(shown.environment, shown.stream.variant) if shown.is_own else None
    return found.evaluation if found else None


def _draw_noticing(found: Noticing, standing: Standing) -> None:
    score = "the probability of other" if found.score is Feature.OTHER else "confidence"
    st.markdown(
        f"Of {found.images:,} such images in the evaluation, {score} puts one apart from a known one in "
        f"{found.auroc:.0%} of pairs. With what was usual until now ({standing.records:,} records and the baseline's "
        f"{standing.watched.usual.baseline.records:,}) and this promise, the alarm would tell of them after at most:"
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Of the images, foreign": [_ONE_IN.get(share, "All") for share in found.records],
                "Noticed after": [
                    "not to be relied on" if records is None else f"about {_rounded(records):,} records"
                    for records in found.records.values()
                ],
            }
        ),
        hide_index=True,
        width=420,
    )
    st.caption(
        as_text(
            "Half of simulated streams were noticed after 0.4 to 1 of that number. Fewer are never noticed where the "
            "alarm has learned them as usual before they have told."
        )
    )


def _rounded(records: float) -> int:
    """To two digits, upwards: it is an estimate."""
    size = 10 ** max(0, len(f"{records:.0f}") - 2)
    return int(-(-records // size) * size)
