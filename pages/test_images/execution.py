"""What became of the images that went through the workflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pandas as pd
import streamlit as st

from backend import charts
from backend.aws.environment import Environment
from backend.workflow import Execution, Outcome, StateVisit, Workflow, workflow_graph
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.status import draw_status
from pages.shared.times import format_duration

_LONGEST_TEXT = 120  # characters of a value that are shown: images ride along in base64


def choose_execution(environment: Environment, executions: Sequence[Execution]) -> Execution | None:
    """The newest executions as a table, by outcome; the one whose row is selected, the newest at first."""
    counts = Counter(execution.outcome for execution in executions)
    outcome = st.pills(
        "Outcome",
        list(counts),
        format_func=lambda name: f"{name} ({counts[name]})",
        key="test_images.outcome",
        label_visibility="collapsed",
    )
    shown = [execution for execution in executions if outcome in (None, execution.outcome)]
    if not shown:
        return None
    labels: dict[str, str] | None = None
    pictures: dict[str, str] | None = None
    with part():
        labels = reads.labels_by_key(environment)
    with part():
        pictures = reads.thumbnails(environment, tuple(execution.s3_key for execution in shown))
    rows = [_row(execution, labels or {}, (pictures or {}).get(execution.s3_key)) for execution in shown]
    unread = [column for column, found in (("Image", pictures), ("True class", labels)) if found is None]
    selected = st.dataframe(
        pd.DataFrame(rows).drop(columns=unread),
        hide_index=True,
        height=280,
        row_height=40,
        key=f"test_images.executions.{shown[0].name}",  # a selection goes by row, and a new execution moves the rows
        on_select="rerun",
        selection_mode="single-row",
        placeholder="-",
        column_config={
            "Image": st.column_config.ImageColumn(width=60),
            "Confidence": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, width=130),
            "Started, UTC": st.column_config.DatetimeColumn(format="MM-DD HH:mm:ss"),
        },
    )["selection"]["rows"]
    return shown[selected[0] if selected and selected[0] < len(shown) else 0]


def draw_execution(environment: Environment, workflow: Workflow, name: str) -> None:
    """One execution: the image, the verdict, and what happened state by state."""
    execution = reads.describe_execution(environment, name)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(execution.name, anchor=False, width="content")
            draw_status(execution.outcome)
        picture, answer = st.columns([1, 3], gap="medium")
        with picture, part():
            draw_images(reads.read_images(environment, (execution.s3_key,)), [""], width=192, key="execution")
        with answer, part():
            draw_answer(execution, reads.labels_by_key(environment).get(execution.s3_key), workflow)
        with st.grid(2, min_column_width=340):
            with st.container(), part():
                statuses = {visit.name: visit.status for visit in execution.visits}
                st.graphviz_chart(workflow_graph(workflow.definition, statuses), alt="The states it went through")
            with st.container(), part():
                _draw_visits(execution.visits)
        if execution.visits:
            with part():
                _draw_visit(execution)


def draw_answer(execution: Execution, true_label: str | None, workflow: Workflow) -> None:
    """What the model said, how sure it was, and what the image really is."""
    verdict = execution.verdict
    if verdict is None:
        if execution.outcome is Outcome.FAILED:
            st.error(f"{execution.error}: {execution.cause}", icon=":material/error:")
        return
    relation = "at least" if verdict.meets_threshold else "below"
    with st.grid(3, min_column_width=120):
        st.metric("Predicted", verdict.predicted_label)
        st.metric("True class", true_label or "unknown")
        st.metric(
            "Confidence", f"{verdict.confidence:.3f}", help=f"It is {relation} the threshold of {verdict.threshold:g}."
        )
    figure = charts.probabilities_bar(verdict.probabilities, workflow.labels, verdict.threshold)
    st.plotly_chart(figure, key=f"execution.probabilities.{execution.name}", alt="Probability of each class")


def _draw_visits(visits: Sequence[StateVisit]) -> None:
    frame = pd.DataFrame(
        {
            "State": visit.name,
            "Status": visit.status,
            "Entered, UTC": visit.entered_at.astimezone(UTC),
            "Time": format_duration((visit.exited_at - visit.entered_at).total_seconds()) if visit.exited_at else "-",
        }
        for visit in visits
    )
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        column_config={"Entered, UTC": st.column_config.DatetimeColumn(format="HH:mm:ss.SSS")},
    )


def _draw_visit(execution: Execution) -> None:
    """What one state was given and what it returned; the last state at first."""
    names = [visit.name for visit in execution.visits]
    name = st.pills("State", names, default=names[-1], required=True, key=f"execution.step.{execution.name}")
    visit = execution.visits[names.index(name)]
    if visit.error and visit.status != "rejected":
        st.error(visit.error, icon=":material/error:")
    for title, content, column in zip(("Input", "Output"), (visit.input, visit.output), st.columns(2), strict=True):
        column.caption(title)
        if isinstance(content, (dict, list)):
            column.json(_shortened(content))
        else:
            column.code("none" if content is None else str(_shortened(content)), language=None, wrap_lines=True)


def _shortened(value: Any) -> Any:
    """The value with its long texts cut."""
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}... ({len(value):,} characters)"
    return value


def _row(execution: Execution, labels: dict[str, str], picture: str | None) -> dict[str, object]:
    verdict, ended = execution.verdict, execution.stopped_at
    return {
        "Image": picture,
        "Outcome": str(execution.outcome),
        "Predicted": verdict.predicted_label if verdict else None,
        "True class": labels.get(execution.s3_key),
        "Confidence": verdict.confidence if verdict else None,
        "Started, UTC": execution.started_at.astimezone(UTC),
        "Time": format_duration((ended - execution.started_at).total_seconds() if ended else None),
        "Execution": execution.name,
    }
