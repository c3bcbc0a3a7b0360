"""What was submitted last: the first thing on the page, live while it runs, and until it is dismissed."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend.aws.environment import Environment
from backend.errors import NotFound
from backend.workflow import BatchState, Submission, Workflow
from backend.workflow.batches import summarized
from pages.shared import JobName, follow_job, is_running, reads
from pages.shared.text import as_text
from pages.test_images.batch import draw_progress, draw_results
from pages.test_images.batches import draw_batch_actions
from pages.test_images.execution import current_execution, draw_whole
from pages.test_images.sending import latest_submission

_PATIENCE = 0.4
"""Seconds that a page waits for what it draws: what was submitted, and the end of one execution."""
_SECONDS, _ONE_SECONDS, _BATCH_SECONDS = 0.5, 0.1, 1.0
"""Between two times that it is drawn while it runs: before it is known what it is, of one execution, and of a batch."""


def draw_submitted(environment: Environment, workflow: Workflow) -> None:
    """The progress of what was submitted, and what became of it."""
    submission = latest_submission(environment)
    if submission is None:
        follow_job(JobName.TEST_IMAGES)
        return
    if is_running(JobName.TEST_IMAGES):
        submission.wait_for_plan(_PATIENCE)
    seconds = _BATCH_SECONDS if submission.batch else _ONE_SECONDS if submission.only else _SECONDS
    follow_job(JobName.TEST_IMAGES, partial(_draw, environment, workflow, submission), seconds=seconds)


def submission_expander(environment: Environment) -> DeltaGenerator:
    """Where images are chosen; it folds when some are submitted, so that they come first."""
    submission = latest_submission(environment)
    return st.expander(
        "Submit images",
        icon=":material/send:",
        expanded=submission is None,
        key=f"test_images.submission.{submission.token if submission else ''}",
    )


def shown_execution(environment: Environment) -> str | None:
    """The name of the one execution that is drawn there; None where there is none, or a batch."""
    submission = latest_submission(environment)
    return submission.only.name if submission and submission.only else None


def _draw(environment: Environment, workflow: Workflow, submission: Submission, runs: bool) -> None:
    if submission.only is not None:
        if runs:
            submission.wait(_PATIENCE)
        if runs and submission.execution is not None:  # the verdict at once; its states with the next run of the page
            draw_whole(environment, workflow, submission.execution, key="submitted", in_brief=True)
        else:
            _draw_one(environment, workflow, submission, submission.only.name)
    elif submission.batch is not None and runs:
        draw_progress(environment, workflow, submission)
    elif submission.batch is not None:
        batch, results = submission.batch, submission.results()
        st.subheader(as_text(batch.title), anchor=False)
        draw_batch_actions(environment, summarized(batch, results, BatchState.ENDED))
        draw_results(environment, workflow, batch, results, key="submitted")


def _draw_one(environment: Environment, workflow: Workflow, submission: Submission, name: str) -> None:
    try:
        execution = current_execution(environment, name)
        if submission.execution is not None and not execution.has_ended:  # it has ended since it was read
            reads.forget_executions()
            execution = current_execution(environment, name)
    except NotFound:  # it was not started yet, or AWS does not know it yet
        if submission.execution is not None and submission.execution.cause:
            st.error(as_text(submission.execution.cause), icon=":material/error:")
        return
    draw_whole(environment, workflow, execution, key="submitted")
