"""Captured inferences: their figures, their charts, and the image behind a point."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from backend import charts
from backend.aws.environment import Environment
from backend.monitoring import CaptureSummary
from backend.wording import count_of
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.paths import PagePath
from pages.shared.text import as_text, visible
from pages.shared.times import format_time

_RANGES = {"Hour": timedelta(hours=1), "Day": timedelta(days=1), "Week": timedelta(days=7), "All": None}
_LOWEST = 20
_CHART, _TABLE = "monitoring.over_time", "monitoring.lowest"
_SHOWN, _RECORD = "monitoring.lowest_ids", "monitoring.record"
"""In the session: the record behind each row of the table, and the record that was clicked last."""


def choose_range() -> datetime | None:
    """Where the shown range begins, to the minute; None for the beginning. A button reads again."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        chosen = st.segmented_control(
            "Time range", list(_RANGES), default="All", required=True, key="monitoring.range", persist_state="session"
        )
        if st.button("Refresh", icon=":material/refresh:", key="monitoring.refresh"):
            st.cache_data.clear()
            st.rerun()
    back = _RANGES[chosen]
    return datetime.now(UTC).replace(second=0, microsecond=0) - back if back else None


def filter_records(frame: pd.DataFrame, labels: Sequence[str], threshold: float | None) -> pd.DataFrame:
    """The records of the chosen class, all or, where there is a threshold, only those below it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.pills("Predicted class", labels, key="monitoring.label")
        below = threshold is not None and st.toggle("Only below the threshold", key="monitoring.below")
    if label is not None:
        frame = frame[frame["predicted_index"] == labels.index(label)]
    return frame[frame["confidence"] < threshold] if below else frame


def draw_summary(summary: CaptureSummary, frame: pd.DataFrame, threshold: float | None) -> None:
    """How much was captured, how much of it would pass, and whether anything was unreadable."""
    reasons = "  \n".join(f"{count:,}: {as_text(reason)}" for reason, count in summary.quarantine_reasons.items())
    with st.grid(4, min_column_width=150):
        st.metric("Records", f"{len(frame):,}", help=f"{summary.records:,} in all; files: {summary.files:,}.")
        if threshold is None:
            st.metric("Pass rate", "-", help="The threshold is the workflow's, which is not deployed, or not known.")
        else:
            rate = f"{(frame['confidence'] >= threshold).mean():.1%}" if len(frame) else "-"
            st.metric(f"At or above {threshold:g}", rate)
        if summary.last_at is not None:
            st.metric("Last capture, UTC", f"{summary.last_at:%m-%d %H:%M:%S}", help=format_time(summary.last_at))
        st.metric("Quarantined", f"{summary.quarantined:,}", help=reasons or "Every line could be read.")


def draw_quarantine(summary: CaptureSummary) -> None:
    """What was captured where none of it could be read: how many lines, and why."""
    lines, files = count_of(summary.quarantined, "line"), count_of(summary.files, "file")
    st.warning(
        f"Captured and not readable: {lines} in {files}. Each stays in the bucket, and is read when its file changes.",
        icon=":material/warning:",
    )
    reasons = summary.quarantine_reasons
    st.dataframe(
        pd.DataFrame({"Lines": list(reasons.values()), "Reason": [visible(reason) for reason in reasons]}),
        hide_index=True,
        column_config={"Lines": st.column_config.NumberColumn(width=80)},
    )


def draw_over_time(frame: pd.DataFrame, threshold: float | None, labels: Sequence[str]) -> None:
    """The confidences as points in time; a click on one shows its record."""
    st.subheader("Confidence over time")
    st.caption("Click a point to see its image.")
    st.plotly_chart(
        charts.confidence_over_time(frame, threshold, labels),
        key=_CHART,
        on_select=_point_clicked,
        selection_mode="points",
        alt="Confidence over time",
    )


def draw_lowest(environment: Environment, frame: pd.DataFrame, labels: Sequence[str]) -> None:
    """The records that the model was least sure of; a click on one shows it."""
    st.subheader("Lowest confidences")
    lowest = frame.nsmallest(_LOWEST, "confidence")
    record_ids = tuple(int(record_id) for record_id in lowest["record_id"])
    pictures: dict[int, str] | None = None
    true_labels: dict[str, str] | None = None
    with part():
        pictures = reads.captured_images(environment, record_ids)
    with part():
        true_labels = reads.labels_by_inference(environment, tuple(lowest["inference_id"].dropna()))
    unread = [column for column, found in (("Image", pictures), ("True class", true_labels)) if found is None]
    table = pd.DataFrame(
        {
            "Image": [(pictures or {}).get(record_id) for record_id in record_ids],
            "Confidence": lowest["confidence"],
            "Predicted": [labels[index] if index < len(labels) else str(index) for index in lowest["predicted_index"]],
            "True class": [(true_labels or {}).get(name) for name in lowest["inference_id"]],
            "Time, UTC": lowest["time"],
        }
    ).drop(columns=unread)
    st.session_state[_SHOWN] = record_ids
    st.dataframe(
        table,
        hide_index=True,
        height=360,
        row_height=40,
        key=_TABLE,
        on_select=_row_clicked,
        selection_mode="single-row",
        placeholder="-",
        column_config={
            "Image": st.column_config.ImageColumn(width=60),
            "Confidence": st.column_config.NumberColumn(format="%.3f"),
            "Time, UTC": st.column_config.DatetimeColumn(format="MM-DD HH:mm"),
        },
    )


def draw_histogram(frame: pd.DataFrame, threshold: float | None) -> None:
    """How many records had which confidence."""
    st.subheader("Histogram")
    figure = charts.confidence_histogram(frame, threshold)
    st.plotly_chart(figure, key="monitoring.histogram", alt="Histogram of confidences")


def draw_record(environment: Environment, labels: Sequence[str], threshold: float | None) -> None:
    """The record that was clicked: its image, its probabilities and its execution."""
    record_id = st.session_state.get(_RECORD)
    if record_id is None:
        return
    with st.container(border=True), part():
        inference = reads.capture_detail(environment, record_id)
        picture, answer = st.columns([1, 3], gap="medium")
        with picture, part():
            if inference.image is not None:
                draw_images([inference.image], [""], width=192, key="record")
            else:
                st.caption(as_text(inference.image_problem or "The endpoint did not capture its input."))
        with answer:
            with part():
                _draw_answer(environment, inference.inference_id, inference.probabilities, labels)
            with part():
                st.plotly_chart(
                    charts.probabilities_bar(inference.probabilities, labels, threshold),
                    key=f"monitoring.bar.{record_id}",
                    alt="Probability of each class",
                )
        st.caption(f"Captured {format_time(inference.time)}")
        if inference.inference_id:
            st.page_link(
                PagePath.TEST_IMAGES,
                label=f"Execution {inference.inference_id}",
                icon=":material/account_tree:",
                query_params={"execution": inference.inference_id},
            )


def _draw_answer(
    environment: Environment, inference_id: str | None, probabilities: Sequence[float], labels: Sequence[str]
) -> None:
    index = max(range(len(probabilities)), key=lambda position: probabilities[position])
    true_labels = reads.labels_by_inference(environment, (inference_id,)) if inference_id else {}
    with st.grid(3, min_column_width=120):
        st.metric("Predicted", labels[index] if index < len(labels) else str(index))
        st.metric("True class", true_labels.get(inference_id or "", "unknown"))
        st.metric("Confidence", f"{probabilities[index]:.3f}")


def _point_clicked() -> None:
    points = st.session_state[_CHART]["selection"]["points"]
    if points:
        st.session_state[_RECORD] = int(points[0]["customdata"][0])


def _row_clicked() -> None:
    rows = st.session_state[_TABLE]["selection"]["rows"]
    if rows:
        st.session_state[_RECORD] = st.session_state[_SHOWN][rows[0]]
