"""What became of one image that went through the workflow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

import pandas as pd
import streamlit as st

from backend import charts
from backend.aws.environment import Environment
from backend.workflow import Execution, Outcome, StateVisit, Workflow, workflow_graph
from backend.workflow.content import cause_message
from backend.workflow.outcome import JUDGED, REJECTIONS
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.live import follow
from pages.shared.status import draw_status
from pages.shared.text import as_text, visible
from pages.shared.times import format_duration
from pages.test_images.actions import draw_actions

_LONGEST_TEXT = 120  # characters of a value that are shown: images ride along in base64
_LONGEST_MESSAGE = 500
_JUDGED_HELP = "Right is what passed under its own class, and what is of no known class and ended so."
_HEIGHT_OF_CAUSE = 240
_LONGEST_LIST = 100
_FAILED = (Outcome.FAILED, Outcome.TIMED_OUT)


def draw_execution(environment: Environment, workflow: Workflow, name: str, *, key: str = "chosen") -> None:
    """One execution, live while it runs: the image, the verdict, what happened state by state, and what can be done."""

    def draw() -> bool:
        execution = current_execution(environment, name)
        draw_whole(environment, workflow, execution, key=key)
        return not execution.has_ended

    follow(draw, is_changing=not current_execution(environment, name).has_ended)


def current_execution(environment: Environment, name: str) -> Execution:
    """An execution as it is now, with its states; one that has ended is not asked for again each time."""
    execution = reads.describe_execution(environment, name)
    return execution if execution.has_ended else reads.watch_execution(environment, name)


def draw_whole(
    environment: Environment, workflow: Workflow, execution: Execution, *, key: str, in_brief: bool = False
) -> None:
    """All about one execution, or in brief the verdict; `key` tells its widgets from those of another on the page."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(as_text(execution.name), anchor=False, width="content")
            draw_status(execution.outcome)
            st.space("stretch")
            draw_actions(environment, execution, key=key)
        picture, answer = st.columns([1, 3], gap="medium")
        with answer, st.container(key=f"{key}-answer-{execution.name}"), part():
            true_label = reads.labels_of(environment, [execution]).get(execution.s3_key or "")
            draw_answer(execution, true_label, workflow, key=key)
        with picture, part():
            if execution.s3_key is None:
                st.caption("Its input names no image in the project's bucket.")
            else:
                draw_images(reads.read_images(environment, (execution.s3_key,)), [""], width=192, key=key)
        if in_brief:
            return
        with st.grid(2, min_column_width=340):
            with st.container(), part():
                statuses = {visit.name: visit.status for visit in execution.visits}
                st.graphviz_chart(workflow_graph(workflow.definition, statuses), alt="The states it went through")
            with st.container(), part():
                _draw_visits(execution)
        if execution.visits:
            with part():
                _draw_visit(execution, key)
        with part():
            _draw_events(execution)


def draw_answer(execution: Execution, true_label: str | None, workflow: Workflow, *, key: str) -> None:
    """What the model said, how sure it was, and what the image really is."""
    verdict = execution.verdict
    if verdict is None or execution.outcome not in JUDGED:
        _draw_ending(execution, workflow)
        return
    relation = "at least" if verdict.meets_threshold else "below"
    compared = f"It is {relation} the threshold of {verdict.threshold:g}."
    if execution.outcome is Outcome.UNKNOWN:
        compared = "What is not a known class never passes, whatever the confidence and the threshold."
    with st.grid(4, min_column_width=120):
        st.metric("Predicted", as_text(shortened(verdict.predicted_label)))
        st.metric("True class", true_label or "unknown")
        st.metric("Judged", judgement(execution, true_label) or "unknown", help=_JUDGED_HELP)
        st.metric("Confidence", f"{verdict.confidence:.3f}", help=compared)
    figure = charts.probabilities_bar(verdict.probabilities, workflow.labels, verdict.threshold)
    st.plotly_chart(figure, key=f"{key}.probabilities.{execution.name}", alt="Probability of each class")


def judgement(execution: Execution, true_label: str | None) -> str | None:
    """Whether an execution ended as its image should; None where that is not known, or where it failed."""
    if true_label is None or execution.verdict is None or execution.outcome not in JUDGED:
        return None
    return {True: "right", False: "wrong", None: "not decided"}[execution.is_right(true_label)]


def _draw_ending(execution: Execution, workflow: Workflow) -> None:
    """How an execution ended that has no verdict, in the words of whoever ended it."""
    if execution.outcome is Outcome.RUNNING:
        since = (datetime.now(UTC) - execution.started_at).total_seconds()
        at = next((visit.name for visit in reversed(execution.visits) if visit.exited_at is None), None)
        st.info(f"Running for {format_duration(since)}" + (f", in {as_text(at)}." if at else "."))
        return
    if execution.outcome is Outcome.PASSED:
        st.info("It succeeded with an output that is no verdict: its states show what they returned.")
        return
    draw = st.error if execution.outcome in _FAILED else st.warning
    text = ending_text(execution, workflow.definition.get("TimeoutSeconds"))
    draw(as_text(text), icon=":material/error:")
    if execution.cause and not text.endswith(execution.cause):
        height: Literal["content"] | int = "content" if len(execution.cause) < _LONGEST_MESSAGE else _HEIGHT_OF_CAUSE
        st.code(visible(execution.cause), language=None, wrap_lines=True, height=height)


def ending_text(execution: Execution, limit: float | None = None) -> str:
    """`Error: what went wrong` of an execution; either may be missing.

    One that timed out and says no more took longer than the state machine allows: `limit`, in seconds.
    """
    said = [(execution.error or "").strip(), shortened(cause_message(execution.cause or "").strip(), _LONGEST_MESSAGE)]
    if execution.outcome is Outcome.TIMED_OUT and not said[1] and limit is not None:
        last = execution.visits[-1].name if execution.visits else None
        at = f" It was in {last} then." if last else ""
        said[1] = f"It took longer than the {limit:g} seconds that the state machine allows.{at}"
    without = "It was stopped" if execution.outcome is Outcome.STOPPED else f"It {execution.outcome}"
    return ": ".join(filter(None, said)) or f"{without}, and no cause was given."


def _draw_visits(execution: Execution) -> None:
    """Each state with the time that it took, or takes: until it was left, the execution's end, or now."""
    until = execution.stopped_at or datetime.now(UTC)
    seconds = [((visit.exited_at or until) - visit.entered_at).total_seconds() for visit in execution.visits]
    frame = pd.DataFrame(
        {
            "State": visit.name,
            "Status": visit.status,
            "Entered, UTC": visit.entered_at.astimezone(UTC),
            "Seconds": taken,
        }
        for visit, taken in zip(execution.visits, seconds, strict=True)
    )
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        column_config={
            "Entered, UTC": st.column_config.DatetimeColumn(format="HH:mm:ss"),
            "Seconds": st.column_config.ProgressColumn(
                format="%.3f", min_value=0, max_value=max([*seconds, 0.001]), width=100
            ),
        },
    )


def _draw_visit(execution: Execution, key: str) -> None:
    """What one state was given and what it returned; the last state at first."""
    titles = visit_titles(execution.visits)
    title = st.pills(
        "State",
        titles,
        default=titles[-1],
        required=True,
        format_func=as_text,
        key=f"{key}.step.{execution.name}" + ("" if execution.has_ended else f".{len(titles)}"),  # the last one, live
    )
    visit = execution.visits[titles.index(title)]
    if visit.error and visit.status not in REJECTIONS.values():
        st.error(as_text(shortened(visit.error, _LONGEST_MESSAGE)), icon=":material/error:")
    for title, content, column in zip(("Input", "Output"), (visit.input, visit.output), st.columns(2), strict=True):
        column.caption(title)
        if isinstance(content, (dict, list)):
            column.json(shortened(content), expanded=2)
        else:
            column.code(content_text(content), language=None, wrap_lines=True)


def _draw_events(execution: Execution) -> None:
    """Every event of the history, folded."""
    if not execution.events:
        return
    with st.expander(f"Events ({len(execution.events):,})", icon=":material/list:"):
        rows = [
            {
                "Event": event.number,
                "Type": event.kind,
                "Of state": event.state,
                "After": format_duration((event.at - execution.events[0].at).total_seconds()),
                "Details": shortened(json.dumps(shortened(event.details), ensure_ascii=False), _LONGEST_MESSAGE)
                if event.details
                else None,
            }
            for event in execution.events
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(400, 38 + 35 * len(rows)), placeholder="-")


def visit_titles(visits: Sequence[StateVisit]) -> list[str]:
    """The states' names; one that is entered again, as in a loop or a Map, has its number behind it."""
    entered: Counter[str] = Counter()
    titles: list[str] = []
    for visit in visits:
        entered[visit.name] += 1
        title = visit.name if entered[visit.name] == 1 else f"{visit.name} ({entered[visit.name]})"
        while title in titles:  # a state of that very name
            title += "'"
        titles.append(title)
    return titles


def content_text(content: Any) -> str:
    """What is no object and no list, as text: JSON's own words, a text without its quotes."""
    if content is None or isinstance(content, bool):
        return {None: "none", True: "true", False: "false"}[content]
    return visible(str(shortened(content)))


def shortened(value: Any, longest: int = _LONGEST_TEXT) -> Any:
    """The value with its texts cut to so many characters, and lists and objects to 100; what is cut says its length."""
    if isinstance(value, dict):
        kept = {shortened(name): shortened(item) for name, item in islice(value.items(), _LONGEST_LIST)}
        return kept if len(value) <= _LONGEST_LIST else kept | {"...": f"{len(value):,} members"}
    if isinstance(value, list):
        items = [shortened(item) for item in value[:_LONGEST_LIST]]
        return items if len(value) <= _LONGEST_LIST else [*items, f"... ({len(value):,} items)"]
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}... ({len(value):,} characters)"
    return value


def execution_row(execution: Execution, labels: Mapping[str, str], pictures: Mapping[str, str]) -> dict[str, object]:
    """An execution in the table; `labels` and `pictures` go by the images' keys."""
    verdict, ended, key = execution.verdict, execution.stopped_at, execution.s3_key or ""
    return {
        "Image": pictures.get(key),
        "Outcome": str(execution.outcome),
        "Predicted": shortened(verdict.predicted_label) if verdict else None,
        "True class": labels.get(key),
        "Judged": judgement(execution, labels.get(key)),
        "Confidence": verdict.confidence if verdict else None,
        "Started, UTC": execution.started_at.astimezone(UTC),
        "Time": format_duration((ended - execution.started_at).total_seconds() if ended else None),
        "Execution": execution.name,
    }
