"""Parts of a page that follow something while it changes."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import streamlit as st

from backend import jobs
from pages.shared.environment import part
from pages.shared.text import as_text

_JOB_SECONDS = 0.5


class JobName(StrEnum):
    """The background jobs that pages start."""

    PIPELINE = "pipeline"
    STAGING = "staging"
    DEPLOYMENT = "deployment"
    EVALUATION = "evaluation"
    WORKFLOW = "workflow"
    TEST_IMAGES = "test_images"
    EXECUTIONS = "executions"
    TRAFFIC = "traffic"
    ALERTS = "alerts"
    DRIFT = "drift"
    CLEANUP = "cleanup"


def follow(draw: Callable[[], bool], *, is_changing: bool, seconds: float = 1.0) -> None:
    """Draw a part of the page with `draw`, which tells whether there is more to come.

    While something `is_changing` the part is drawn every `seconds`; then the whole page once, from fresh reads.
    """
    if not is_changing:
        draw()
        return

    @st.fragment(run_every=seconds)
    def followed() -> None:
        with part():
            if not draw():
                st.cache_data.clear()
                st.rerun()

    followed()


def follow_job(name: JobName, draw: Callable[[bool], None] | None = None, *, seconds: float = _JOB_SECONDS) -> None:
    """The progress of a background job with a way to cancel it, and how it ended until that is dismissed.

    `draw` draws what it is about below either, told whether it runs.
    """
    if (job := jobs.find(name)) is None:
        return
    if job.is_running:
        follow(lambda: _draw_progress(name, draw), is_changing=True, seconds=seconds)
        return
    if not _is_seen(job):
        _see(job)
        st.cache_data.clear()  # what the page has read may be from before the end
        st.rerun()
    _draw_end(job)
    if draw is not None:
        with part():
            draw(False)


def is_running(name: JobName) -> bool:
    """Whether a background job of this name runs."""
    job = jobs.find(name)
    return job is not None and job.is_running


def _draw_progress(name: JobName, draw: Callable[[bool], None] | None = None) -> bool:
    job = jobs.find(name)
    if job is None:
        return False
    if not job.is_running:
        _see(job)
        return False
    with st.container(border=True):
        st.progress(job.fraction, f"**{job.title}.** {job.message}")
        st.button(
            "Cancelling" if job.is_cancelling else "Cancel",
            key=f"{name}.cancel",
            icon=":material/cancel:",
            disabled=job.is_cancelling,
            on_click=jobs.cancel,
            args=(name,),
        )
    if draw is not None:
        with part():
            draw(True)
    return True


def _is_seen(job: jobs.Job) -> bool:
    """Whether this session was drawn from fresh reads since the job ended."""
    return bool(st.session_state.get(f"{job.name}.seen") == job.ended_at)


def _see(job: jobs.Job) -> None:
    st.session_state[f"{job.name}.seen"] = job.ended_at


def _draw_end(job: jobs.Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        match job.status:
            case jobs.Status.SUCCEEDED:
                said = job.message or f"{job.title}: done."
                text = (
                    said if job.is_cancelling else job.done or said
                )  # it says that it could not be cancelled any more
                st.success(as_text(text), icon=":material/check_circle:")
            case jobs.Status.FAILED:
                st.error(as_text(job.error or f"{job.title} failed."), icon=":material/error:")
            case _:
                said = " ".join(filter(None, [f"{job.title} was cancelled.", job.error]))
                st.info(as_text(said), icon=":material/cancel:")
        if st.button("", key=f"{job.name}.dismiss", icon=":material/close:", type="tertiary", help="Dismiss"):
            jobs.dismiss(job.name)
            st.rerun()
