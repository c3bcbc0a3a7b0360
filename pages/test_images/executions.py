"""All executions: filtered, counted, in pages, and the one whose row is selected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from backend import jobs
from backend import workflow as backend
from backend.aws.environment import Environment
from backend.wording import count_of
from backend.workflow import Execution, Filters, Found, Workflow
from pages.shared import JobName, PagePath, draw_missing, draw_next, follow, part, reads
from pages.shared.rows import choose_row
from pages.shared.text import as_text, visible
from pages.shared.times import format_duration
from pages.test_images.execution import draw_execution, execution_row
from pages.test_images.submitted import shown_execution

_PAGE = 50
_OUTCOME = "test_images.outcome"
_NUMBER = "test_images.executions.page"
_STATUSES = {
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed or rejected",
    "TIMED_OUT": "timed out",
    "ABORTED": "stopped",
}
_TIMES = {"Last hour": timedelta(hours=1), "Last day": timedelta(days=1), "Last week": timedelta(weeks=1)}
_BETWEEN = "From, to"
_LONG_AGO = datetime(2017, 1, 1)  # the widget knows no zones


def draw_executions(environment: Environment, workflow: Workflow) -> None:
    """Filters, figures of what meets them, a page of it, and one execution."""
    everything = reads.find_executions(environment, Filters(), 1, _PAGE)
    if not everything.total:
        draw_missing("No image went through the workflow yet. Choose some above and submit them.")
        return
    draw_next(PagePath.MONITORING, "Images went through the workflow. Next, see how confident the answers were.")
    filters = _choose_filters(everything)
    number = st.session_state.get(_NUMBER, 1)
    found = reads.find_executions(environment, filters, number, _PAGE)
    if not found.executions and number > 1:  # there are fewer by now, or others are asked for
        st.session_state[_NUMBER] = 1
        found = reads.find_executions(environment, filters, 1, _PAGE)
    _choose_outcome(filters, found)
    with part():
        _draw_figures(environment, filters, found)
    with part():
        _follow_reading(environment, found)
    if not found.executions:
        st.info("No execution meets these filters.", icon=":material/filter_alt_off:")
        return
    chosen = choose_execution(environment, found.executions)
    pages = -(-found.matching // _PAGE)
    if pages > 1:
        st.pagination(pages, key=_NUMBER)
    if chosen.name == shown_execution(environment):
        st.caption("The execution that is selected is drawn on top of the page.")
        return
    with part():
        draw_execution(environment, workflow, chosen.name)


def choose_execution(environment: Environment, executions: Sequence[Execution]) -> Execution:
    """Executions as a table; the one whose row is selected, the first at first."""
    labels: dict[str, str] | None = None
    pictures: dict[str, str] | None = None
    with part():
        labels = reads.labels_of(environment, executions)
    with part():
        keys = tuple(execution.s3_key for execution in executions if execution.s3_key)
        pictures = reads.thumbnails(environment, keys)
    rows = [execution_row(execution, labels or {}, pictures or {}) for execution in executions]
    needed = (("Image", pictures), ("True class", labels), ("Judged", labels))
    unread = [column for column, found in needed if found is None]
    return choose_row(
        pd.DataFrame(rows).drop(columns=unread),
        executions,
        height=280,
        row_height=40,
        key=f"test_images.executions.{executions[0].name}",
        column_config={
            "Image": st.column_config.ImageColumn(width=60),
            "Confidence": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, width=130),
            "Started, UTC": st.column_config.DatetimeColumn(format="MM-DD HH:mm:ss"),
        },
    )


def _choose_filters(found: Found) -> Filters:
    """What is asked for; the outcome is chosen below, of those that there are."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="test_images.filters"):
        name = st.text_input("Name", placeholder="Part of a name", key="test_images.filter.name", width=220)
        status = st.selectbox(
            "Status",
            list(_STATUSES),
            index=None,
            placeholder="Any",
            format_func=_STATUSES.__getitem__,
            key="test_images.filter.status",
            width=180,
        )
        label = st.selectbox(
            "Predicted class",
            found.labels,
            index=None,
            placeholder="Any",
            format_func=lambda label: visible(label),
            key="test_images.filter.label",
            width=180,
        )
        time = st.selectbox(
            "Started",
            [*_TIMES, _BETWEEN],
            index=None,
            placeholder="Any time",
            key="test_images.filter.time",
            width=150,
        )
        since, until = _choose_times(time)
    outcome = st.session_state.get(_OUTCOME)
    return Filters(status, outcome, label, name or None, since, until)


def _choose_times(time: str | None) -> tuple[datetime | None, datetime | None]:
    """From when on, and until when; None is any."""
    if time in _TIMES:
        # To the minute: what was read is kept by what was asked for.
        return datetime.now(UTC).replace(second=0, microsecond=0) - _TIMES[time], None
    if time != _BETWEEN:
        return None, None
    times: list[datetime | None] = [
        st.datetime_input(label, None, min_value=_LONG_AGO, step=60, key=f"test_images.filter.{key}", width=200)
        for label, key in (("From, UTC", "from"), ("To, UTC", "to"))
    ]
    since, until = (time.replace(tzinfo=UTC) if time else None for time in times)
    return since, until


def _choose_outcome(filters: Filters, found: Found) -> None:
    """The outcomes of what meets the other filters; the one that is chosen holds from the next run on."""
    offered = list(found.offered)
    if filters.outcome and filters.outcome not in offered:
        offered.append(filters.outcome)
    st.pills(
        "Outcome",
        offered,
        format_func=lambda name: f"{name} ({found.offered.get(name, 0):,})",
        key=_OUTCOME,
        label_visibility="collapsed",
    )


def _draw_figures(environment: Environment, filters: Filters, found: Found) -> None:
    """Figures of what meets the filters, of how much that is, and ways to take it along."""
    figures = {
        "Executions": f"{found.matching:,}",
        "Pass rate": "-" if found.pass_rate is None else f"{found.pass_rate:.1%}",
        "Median time": format_duration(found.median_seconds),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", key="test_images.figures"):
        for label, figure in figures.items():
            st.metric(label, figure, width=130)
        _draw_exports(environment, filters)
    total = count_of(found.total, "execution")
    of_what = (
        f"all {total}" if found.matching == found.total else f"the {found.matching:,} of {total} that are filtered"
    )
    st.caption(f"These figures are of {of_what}; the pass rate is of those with a verdict.")


def _draw_exports(environment: Environment, filters: Filters) -> None:
    with st.popover("Export", icon=":material/download:", key="test_images.export"):
        st.caption("All executions that meet the filters, on every page.")
        for form in ("csv", "json"):
            st.download_button(
                form.upper(),
                partial(_export, environment, filters, form),
                f"executions.{form}",
                f"{'text' if form == 'csv' else 'application'}/{form}",
                key=f"test_images.export.{form}",
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
            )


def _export(environment: Environment, filters: Filters, form: Literal["csv", "json"]) -> bytes:
    return backend.export_executions(environment, filters, form, reads.labels_by_key(environment))


def _follow_reading(environment: Environment, found: Found) -> None:
    """Have the rest of the executions read, and say meanwhile what is not known of them."""
    job = jobs.find(JobName.EXECUTIONS)
    if job is not None and job.error:
        st.warning(as_text(job.error), icon=":material/error:")
        st.button("Read on", on_click=jobs.dismiss, args=(JobName.EXECUTIONS,), key="test_images.read_on")
        return
    if not found.undescribed:
        return
    if job is None or not job.is_running:
        jobs.start(JobName.EXECUTIONS, "Reading executions", partial(backend.describe_rest, environment))

    def draw() -> bool:
        job = jobs.find(JobName.EXECUTIONS)
        is_running = job is not None and job.is_running
        if job is not None and is_running:
            st.caption(
                f":material/hourglass: Of {count_of(found.undescribed, 'execution')} only name, status and times are "
                f"known yet; they are being read. {job.message} Until then they are not found by outcome or class, "
                "unless the status tells the outcome."
            )
        return is_running

    follow(draw, is_changing=True, seconds=2.0)
