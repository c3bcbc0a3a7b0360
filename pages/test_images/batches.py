"""Earlier batches, as the bucket knows them: one is opened, and resumed for the rest."""

from __future__ import annotations

from datetime import UTC

import pandas as pd
import streamlit as st

from backend import workflow as backend
from backend.aws.environment import Environment
from backend.wording import count_of
from backend.workflow import BatchState, BatchSummary, Workflow
from backend.workflow.outcome import JUDGED
from pages.shared import JobName, draw_missing, is_running, part, reads
from pages.shared.rows import choose_row
from pages.shared.text import as_text
from pages.test_images.batch import draw_results
from pages.test_images.sending import latest_submission, send

_PAGE = 10


def draw_batches(environment: Environment, workflow: Workflow) -> None:
    """The batches, newest first, and the one whose row is selected."""
    number = st.session_state.get("test_images.batches.page", 1)
    found = reads.list_batches(environment, number, _PAGE)
    if not found.total:
        draw_missing("No batch was sent yet: two images or more that are submitted together are one.")
        return
    submission = latest_submission(environment)
    latest = submission.batch.batch_id if submission and submission.batch else None
    running = latest if is_running(JobName.TEST_IMAGES) else None
    batch: BatchSummary | None = None
    if found.batches:
        batch = choose_row(
            pd.DataFrame([_row(batch, running) for batch in found.batches]),
            found.batches,
            key=f"test_images.batches.{found.batches[0].batch_id}",
            column_config={"Sent, UTC": st.column_config.DatetimeColumn(format="MM-DD HH:mm:ss")},
        )
    if found.total > _PAGE:
        st.pagination(-(-found.total // _PAGE), key="test_images.batches.page")
    if batch is None:
        return
    if batch.batch_id == latest:
        st.caption("The batch that is selected is drawn on top of the page.")
        return
    with st.container(border=True), part():
        st.subheader(as_text(batch.title), anchor=False)
        draw_batch_actions(environment, batch)
        results = reads.read_results(environment, batch.batch_id)
        known = backend.read_batch(environment, batch.batch_id)
        draw_results(environment, workflow, known, list(results.values()), key="batch")


def state_of(batch: BatchSummary, running: str | None) -> str:
    """How a batch stands, in a word; one that says it runs, and does not run here, was interrupted."""
    if batch.batch_id == running:
        return "running"
    if not batch.remaining:
        return "complete"
    return {BatchState.CANCELLED: "cancelled", BatchState.RUNNING: "interrupted", BatchState.ENDED: "incomplete"}[
        batch.state
    ]


def draw_batch_actions(environment: Environment, batch: BatchSummary) -> None:
    """Ways to send what is left of a batch, and what failed."""
    busy = is_running(JobName.TEST_IMAGES)
    sending = (environment, backend.resume_batch, batch.batch_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.remaining:
            st.button(
                f"Send the other {count_of(batch.remaining, 'image')}",
                key="test_images.resume",
                icon=":material/resume:",
                type="primary",
                help="What was started already is followed, and not sent again.",
                disabled=busy,
                on_click=send,
                args=sending,
            )
        if batch.failed:
            st.button(
                f"Send {count_of(batch.failed, 'failed image')} again",
                key="test_images.again",
                icon=":material/replay:",
                disabled=busy,
                on_click=send,
                args=sending,
                kwargs={"again": True},
            )


def _row(batch: BatchSummary, running: str | None) -> dict[str, object]:
    return {
        "Batch": batch.title,
        "Sent, UTC": batch.created_at.astimezone(UTC),
        "State": state_of(batch, running),
        "Images": batch.images,
        **{str(outcome).capitalize(): batch.counts.get(outcome, 0) for outcome in JUDGED},
        "Failed": batch.failed,
        "Not sent": batch.remaining,
    }
