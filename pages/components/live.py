"""Parts of a page that follow something while it changes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from backend import jobs
from pages.components.environment import shown_errors

_JOB_SECONDS = 0.5


def follow(draw: Callable[[], bool], *, is_changing: bool, seconds: float = 1.0) -> None:
    """Draw a part of the page with `draw`, which tells whether there is more to come.

    While something `is_changing` the part is drawn every `seconds`; then the whole page once, from fresh reads.
    """
    if not is_changing:
        draw()
        return

    @st.fragment(run_every=seconds)
    def part() -> None:
        with shown_errors():
            if not draw():
                st.cache_data.clear()
                st.rerun()

    part()


def follow_job(name: str) -> None:
    """The progress of a background job with a way to cancel it, and how it ended until that is dismissed."""
    if (job := jobs.find(name)) is None:
        return
    if job.is_running:
        follow(lambda: _draw_progress(name), is_changing=True, seconds=_JOB_SECONDS)
    else:
        _draw_end(job)


def is_running(name: str) -> bool:
    """Whether a background job of this name runs."""
    job = jobs.find(name)
    return job is not None and job.is_running


def _draw_progress(name: str) -> bool:
    job = jobs.find(name)
    if job is None or not job.is_running:
        return False
    with st.container(border=True):
        st.progress(job.fraction, f"**{job.title}.** {job.message}")
        label = "Cancelling" if job.is_cancelling else "Cancel"
        if st.button(label, key=f"{name}.cancel", icon=":material/cancel:", disabled=job.is_cancelling):
            jobs.cancel(name)
            st.rerun(scope="fragment")
    return True


def _draw_end(job: jobs.Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        match job.status:
            case jobs.Status.SUCCEEDED:
                st.success(job.message or f"{job.title}: done.", icon=":material/check_circle:")
            case jobs.Status.FAILED:
                st.error(job.error or f"{job.title} failed.", icon=":material/error:")
            case _:
                st.info(" ".join(filter(None, [f"{job.title} was cancelled.", job.error])), icon=":material/cancel:")
        if st.button("", key=f"{job.name}.dismiss", icon=":material/close:", type="tertiary", help="Dismiss"):
            jobs.dismiss(job.name)
            st.rerun()
