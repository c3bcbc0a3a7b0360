"""A batch: how far it is, and what became of its images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import charts
from backend.aws.environment import Environment
from backend.wording import count_of
from backend.workflow import Batch, Outcome, Result, Submission, Workflow
from backend.workflow.outcome import JUDGED
from pages.shared import part, reads
from pages.shared.text import as_text
from pages.shared.times import format_duration
from pages.test_images.execution import draw_execution

_SHOWN_LIVE = 12  # results, the newest, in the table of a batch that runs


def draw_progress(environment: Environment, workflow: Workflow, submission: Submission) -> None:
    """A batch that runs: its pace, its figures so far, and its newest results."""
    if submission.batch is None:
        return
    results = submission.results()
    rate, left = submission.rate(), submission.seconds_left()
    pace = [
        f"{submission.running} in flight",
        f"{rate:.1f} a second" if rate else "",
        f"{format_duration(left)} left" if left else "",
    ]
    st.caption(f"**{as_text(submission.batch.title)}.** {', '.join(filter(None, pace))}.")
    draw_figures(results, submission.images)
    matrix, table = st.columns([2, 3], gap="medium")
    labels = reads.labels_by_key(environment)
    with matrix, part():
        draw_confusion(results, labels, workflow, key="submitted")
    with table, part():
        rows = [_row(result, labels) for result in reversed(results[-_SHOWN_LIVE:])]
        if rows:
            st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="-", column_config=_COLUMNS)


def draw_results(
    environment: Environment, workflow: Workflow, batch: Batch, results: Sequence[Result], *, key: str
) -> None:
    """A batch that does not run: its figures and all its results; the one that is selected is drawn in full."""
    labels = reads.labels_by_key(environment)
    draw_figures(results, len(batch.keys))
    if not results:
        return
    matrix, table = st.columns([2, 3], gap="medium")
    with matrix, part():
        draw_confusion(results, labels, workflow, key=key)
    with table, part():
        listed = sorted(results, key=lambda result: result.position)
        selected = st.dataframe(
            pd.DataFrame([_row(result, labels) for result in listed]),
            hide_index=True,
            height=420,
            placeholder="-",
            column_config=_COLUMNS,
            key=f"{key}.results.{batch.batch_id}",
            on_select="rerun",
            selection_mode="single-row",
        )["selection"]["rows"]
    if selected and selected[0] < len(listed):
        with part():
            draw_execution(environment, workflow, listed[selected[0]].execution, key=f"{key}.result")
    elif listed:
        st.caption("Select an image in the table to see its execution.")


def draw_figures(results: Sequence[Result], images: int) -> None:
    """How many images ended how, and which share passed of those with a verdict."""
    counts = Counter(result.outcome for result in results if result.is_settled)
    judged = sum(counts[outcome] for outcome in JUDGED)
    failed = sum(count for outcome, count in counts.items() if outcome not in JUDGED)
    figures = {
        "Ended": f"{counts.total():,} of {images:,}",
        "Passed": f"{counts[Outcome.PASSED]:,}",
        "Rejected": f"{counts[Outcome.REJECTED]:,}",
        "Not a known class": f"{counts[Outcome.UNKNOWN]:,}",
        "Failed": f"{failed:,}",
        "Batch's pass rate": f"{counts[Outcome.PASSED] / judged:.1%}" if judged else "-",
    }
    helps = {
        "Failed": "Outages, timeouts and what was stopped: those images have no verdict.",
        "Batch's pass rate": "The share that passed, of the images with a verdict.",
    }
    with st.grid(6, min_column_width=110):
        for label, figure in figures.items():
            st.metric(label, figure, help=helps.get(label))


def draw_confusion(results: Sequence[Result], labels: Mapping[str, str], workflow: Workflow, *, key: str) -> None:
    """What the images are, against what the model took them for."""
    matrix, names = confusion(results, labels, workflow.labels)
    total = int(matrix.sum())
    if not total:
        st.caption("What these images are is not known, or none has a verdict yet: there is nothing to compare.")
        return
    right = int(np.trace(matrix))
    st.caption(
        f"Of {count_of(total, 'image')} whose class is known and that got an answer, {right / total:.1%} were answered "
        "right, sure enough or not."
    )
    st.plotly_chart(
        charts.confusion_squares(matrix, names), key=f"{key}.confusion", alt="Confusion matrix", width="content"
    )


def confusion(
    results: Sequence[Result], labels: Mapping[str, str], known: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """How many images of a class (row) were answered with a class (column), and the classes' names.

    `labels` are by key; images without one, or without an answer, are not counted. Classes that the workflow does not
    know come last.
    """
    pairs = Counter(
        (labels[result.key], result.predicted_label)
        for result in results
        if result.key is not None and result.key in labels and result.predicted_label is not None
    )
    more = {name for pair in pairs for name in pair} - set(known)
    names = [*known, *sorted(more)]
    matrix = np.zeros((len(names), len(names)), np.int64)
    for (truth, answer), count in pairs.items():
        matrix[names.index(truth), names.index(answer)] = count
    return matrix, names


_COLUMNS = {
    "Confidence": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, width=110),
    "Started, UTC": st.column_config.DatetimeColumn(format="HH:mm:ss"),
}


def _row(result: Result, labels: Mapping[str, str]) -> dict[str, object]:
    seconds = (result.stopped_at - result.started_at).total_seconds() if result.stopped_at else None
    return {
        "No.": result.position + 1,
        "Result": str(result.outcome),
        "Answer": result.predicted_label,
        "Class": labels.get(result.key or ""),
        "Confidence": result.confidence,
        "Took": format_duration(seconds),
        "Started, UTC": result.started_at.astimezone(UTC),
        "Error": result.error if result.has_failed else None,
        "Image": (result.key or "").rpartition("/")[2],
    }
