"""Who evaluates the rules, when they last did, and what kept them from it."""

from __future__ import annotations

import streamlit as st

from backend import alerts, jobs
from backend.alerts import Kept
from backend.aws.environment import Environment
from backend.watch import current_watch
from pages.shared import JobName, is_running
from pages.shared.environment import part
from pages.shared.text import as_text
from pages.shared.times import format_time


def draw_watching(environment: Environment, kept: Kept, *, has_rules: bool) -> None:
    """A sentence, and a button that evaluates at once."""
    watch = current_watch()
    with st.container(horizontal=True, vertical_alignment="center"):
        if watch is None:
            said = "This app does not evaluate the rules. Run `python -m backend.monitor`, here or elsewhere."
        else:
            said = f"Evaluated every {watch.seconds:g} s while the app runs."
        last = max(filter(None, (kept.evaluated_at, watch.looked_at if watch else None)), default=None)
        st.caption(f"{said} Last: {format_time(last)}." if last else said, width="stretch")
        if st.button(
            "Evaluate now",
            icon=":material/refresh:",
            key="alerts.evaluate",
            disabled=not has_rules or is_running(JobName.ALERTS),
        ):
            with part():
                jobs.start(
                    JobName.ALERTS,
                    "Evaluating the rules",
                    lambda progress: alerts.evaluate(environment),  # noqa: ARG005  it is quick
                    "The rules were evaluated.",
                )
                st.rerun()
    if watch is not None and watch.problem is not None:
        st.error(as_text(f"The last evaluation failed. {watch.problem}"), icon=":material/error:")
