"""A run of traffic while it is sent."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from backend import jobs, traffic
from backend.aws.environment import Environment
from backend.traffic import Example, LiveRun
from backend.wording import as_words
from pages.shared import JobName
from pages.shared.text import as_text
from pages.test_images.traffic_drift import is_shown
from pages.test_images.traffic_runs import draw_figures

_WINDOW = 20.0
"""Seconds over which the rate that was had is counted."""
_STYLE = """<style>
.traffic-examples { display: flex; flex-wrap: wrap; gap: 10px; }
.traffic-examples figure { margin: 0; font-size: 0.75rem; opacity: 0.85; text-align: center; }
.traffic-examples img { width: 64px; height: 64px; object-fit: contain; border-radius: 4px; }
.traffic-examples img { image-rendering: pixelated; }
</style>"""


def draw_live(environment: Environment) -> bool:
    """How far the run is, what became of what it sent, and what its images look like now; False once it has ended."""
    job, run = jobs.find(JobName.TRAFFIC), traffic.live_run(environment)
    if job is None or not job.is_running:
        return False
    if run is None:
        st.progress(0.0, f"**{job.title}.** {as_text(job.message)}")
        return True
    if not is_shown(run):
        st.rerun()
    seconds = max(0.0, (datetime.now(UTC) - run.started_at).total_seconds())
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            _draw_progress(run, job, seconds)
        _draw_rate(run, seconds)
        if examples := run.examples:
            st.caption("**Newest images**, as they are staged and, below, as they are sent")
            st.html(_pictures(examples))
        draw_figures(run.rows, run.plan.load, run.started_at, seconds, key="live")
    return True


def _draw_progress(run: LiveRun, job: jobs.Job, seconds: float) -> None:
    load, is_stopping = run.plan.load, run.stopping.is_set() or job.is_cancelling
    left = max(0.0, load.seconds - seconds)
    text = "Waiting for what still runs." if is_stopping or not left else f"{left:.0f} s left."
    st.progress(job.fraction, f"**Sending {load.pattern} traffic.** {text}", width="stretch")
    st.button(
        "Stopping" if is_stopping else "Stop",
        key="traffic.stop",
        icon=":material/stop:",
        disabled=is_stopping,
        on_click=run.stop,
    )


def _draw_rate(run: LiveRun, seconds: float) -> None:
    """What was wanted of the last 20 seconds, and what was had."""
    load = run.plan.load
    until = max(1.0, min(seconds, load.seconds))
    since = max(0.0, until - _WINDOW)
    length = until - since
    had = sum(row.status is traffic.Status.STARTED and since <= row.due < until for row in run.rows)
    figures = traffic.totals(run.rows)
    with st.grid(5, min_column_width=110):
        st.metric("Sent", f"{figures.started:,}")
        st.metric("Rate wanted", f"{load.expected(since, until) / length:.2f} /s", help="On average, last 20 seconds.")
        st.metric("Rate had", f"{had / length:.2f} /s", help="Over the last 20 seconds. Arrivals are by chance.")
        st.metric("Late", f"{figures.late:,}", help="Started more than a second behind their time.")
        st.metric("Not started", f"{figures.not_started:,}", help="AWS refused, or too many were in flight for long.")


def _pictures(examples: Sequence[Example]) -> str:
    """Pairs of pictures that carry their content: Streamlit would forget files that are replaced so often."""
    figures = (
        f"<figure>{_picture(one.staged)}<br>{_picture(one.sent)}<figcaption>{html.escape(as_words(one.label))}"
        "</figcaption></figure>"
        for one in examples
    )
    return f'{_STYLE}<div class="traffic-examples">{"".join(figures)}</div>'


def _picture(content: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
