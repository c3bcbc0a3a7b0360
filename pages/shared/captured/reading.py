"""Reading what came since: in the background, while the page shows what is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from backend import monitoring
from backend.aws.environment import Environment
from backend.jobs import Job, Status
from backend.monitoring import CaptureSource, Contents
from pages.shared import reads
from pages.shared.captured.address import chosen, follow_view
from pages.shared.captured.view import View
from pages.shared.environment import part
from pages.shared.text import as_text

_PACE: Final = timedelta(seconds=10)
"""How long after the last reading the next one begins."""
_WATCH_SECONDS: Final = 1.0
_REFRESHES: Final = "monitoring.refreshes"


def choose_refreshing(environment: Environment, source: CaptureSource, view: View) -> None:
    """Whether the page goes on reading while it is open, and a button that lists everything again."""
    follow_view(_REFRESHES, view.refreshes)
    st.toggle(
        "Auto-refresh",
        key=_REFRESHES,
        help="Read what came since, as long as this page is open.",
        on_change=chosen,
        args=(_REFRESHES, lambda value: {"refreshes": value}),
    )
    st.button(
        "",
        key="monitoring.refresh",
        icon=":material/refresh:",
        help="List everything again: files that came late, or were replaced or deleted.",
        on_click=_read_all,
        args=(environment, source),
    )


def follow_reading(environment: Environment, source: CaptureSource, shown: Contents | None, view: View) -> None:
    """Read, say how far that is, and draw the page anew once there is something else than is `shown`."""
    if view.refreshes or monitoring.refreshing(environment, source) is None:
        _read(environment, source)
    job = monitoring.refreshing(environment, source)
    is_running = job is not None and job.is_running

    @st.fragment(run_every=_WATCH_SECONDS if view.refreshes or is_running else None)
    def followed() -> None:
        with part():
            if view.refreshes:
                _read(environment, source)
            job = monitoring.refreshing(environment, source)
            if job is not None and not job.is_running and _is_new(environment, source, job, shown):
                reads.forget_captures()
                st.rerun()
            _draw(job, shown)

    followed()


def _read(environment: Environment, source: CaptureSource) -> None:
    """Begin to read, unless it was just done."""
    job = monitoring.refreshing(environment, source)
    if job is None or (job.ended_at and datetime.now(UTC) - job.ended_at > _PACE):
        monitoring.refresh_in_background(environment, source)


def _read_all(environment: Environment, source: CaptureSource) -> None:
    monitoring.refresh_in_background(environment, source, entirely=True)


def _is_new(environment: Environment, source: CaptureSource, job: Job, shown: Contents | None) -> bool:
    """Whether a reading that this session has not seen yet found something."""
    key = f"monitoring.seen.{source.cache_name}"
    if st.session_state.get(key) == job.ended_at:
        return False
    st.session_state[key] = job.ended_at
    return monitoring.capture_contents(environment, source) != shown


def _draw(job: Job | None, shown: Contents | None) -> None:
    if job is None:
        return
    if job.is_running:
        text = job.message or "Looking for captured records."
        if shown is None:
            st.progress(job.fraction, f"**Reading captured records.** {text}")
        else:
            st.caption(f":material/progress_activity: {as_text(text)}")
    elif job.status is Status.FAILED:
        st.error(as_text(job.error or "The captured records could not be read."), icon=":material/error:")
    elif job.ended_at:
        st.caption(f"Read until {job.ended_at:%H:%M:%S} UTC")
