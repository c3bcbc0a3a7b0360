"""What a model's answers amount to, drawn alike for an evaluation and for what was captured."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import charts
from backend.evaluation import Proportion

STILL: Final[dict[str, Any]] = {"displayModeBar": False}
"""The configuration of a chart that has no buttons."""


def percent(share: float | None) -> str:
    """A share to a tenth of a percent; a dash for none."""
    return "-" if share is None else f"{share:.1%}"


def draw_classes(rows: pd.DataFrame, images: str, *, key: str) -> None:
    """Each class's own figures, as `backend.evaluation.figures` has them; `images` is what they are counted in."""
    st.markdown(
        "**Each class.** Recall: of its images, so many are found. Precision: of the answers that name it, so "
        "many are right; it depends on how many images of each class there are."
    )
    shown = rows.assign(
        label=rows["label"].str.replace("_", " "),
        recall=100 * rows["recall"],
        recall_within=_within(rows["right"], rows["images"]),
        precision=100 * rows["precision"],
        precision_within=_within(rows["right"], rows["answers"]),
    )
    st.dataframe(
        shown[["label", "images", "recall", "recall_within", "answers", "precision", "precision_within"]],
        hide_index=True,
        height="content",
        placeholder="-",
        key=key,
        column_config={
            "label": "Class",
            "images": images,
            "answers": "Answers",
            "recall": st.column_config.NumberColumn("Recall", format="%.1f %%"),
            "precision": st.column_config.NumberColumn("Precision", format="%.1f %%"),
            "recall_within": "95 % interval",
            "precision_within": "95 % interval",
        },
    )


def _within(counts: pd.Series[int], totals: pd.Series[int]) -> list[str]:
    """The intervals of shares, a dash of nothing."""
    proportions = [Proportion(int(count), int(total)) for count, total in zip(counts, totals, strict=True)]
    return ["{:.1%} to {:.1%}".format(*found.interval) if found.total else "-" for found in proportions]


def draw_squares(matrix: NDArray[np.int64], labels: tuple[str, ...], *, key: str) -> tuple[int, int] | None:
    """A confusion matrix; returns the cell that was clicked: what it is, and what was answered."""
    st.markdown(
        "**What is taken for what.** A row is what images are, a column what was answered: on the diagonal the "
        "answer is right. Click a square to see its images."
    )
    picked = st.plotly_chart(
        charts.confusion_squares(matrix, labels),
        key=key,
        on_select="rerun",
        selection_mode="points",
        config=STILL,
        width="content",
        alt="Confusion matrix",
    )
    points = picked["selection"]["points"]
    if not points or not points[0].get("customdata"):
        return None
    _, truth, predicted = points[0]["customdata"]
    return int(truth), int(predicted)


def draw_reliability(bins: pd.DataFrame, *, key: str) -> None:
    """Whether answers are right as often as they are sure."""
    st.markdown(
        "**Is it right as often as it is sure?** Of the answers with a confidence near 0.8, eight of ten should be "
        "right: on the dotted line they are, below it the model is too sure. The bars are 95 % intervals: long ones "
        "stand for few images."
    )
    st.plotly_chart(charts.reliability_diagram(bins), key=key, config=STILL, alt="Reliability diagram")
