"""What exists of each step, and what is next."""

from __future__ import annotations

import streamlit as st

from backend.overview import State, Step, next_step
from pages.overview.pipeline import draw_pipeline
from pages.shared import JobName, PagePath, current_environment, follow, follow_job, is_running, part, reads
from pages.shared.text import as_text

ICONS = {
    State.READY: ":green[:material/check_circle:]",
    State.CHANGING: ":blue[:material/progress_activity:]",
    State.FAILED: ":red[:material/error:]",
    State.MISSING: ":gray[:material/radio_button_unchecked:]",
}
_PATHS = {path.url_path: path for path in PagePath}


def draw_step(step: Step, *, is_next: bool) -> None:
    """A step, with a way on if it is the next one."""
    path = _PATHS[step.name]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"{ICONS[step.state]} **{path.heading}**")
            st.caption(as_text(step.detail))
        if not is_next:
            st.page_link(path, label="Open", icon=":material/arrow_forward:")
        elif st.button("Continue", icon=":material/arrow_forward:", type="primary"):
            st.switch_page(path)


def draw_steps() -> bool:
    """Every step; returns whether one is changing, as they do while the whole pipeline runs."""
    steps = reads.describe_steps(environment)
    runs = is_running(JobName.PIPELINE)
    upcoming = None if runs else next_step(steps)
    for step in steps:
        draw_step(step, is_next=step == upcoming)
    if next_step(steps) is None:
        st.success("Every step is done. Submit more images, or watch the confidences.", icon=":material/check_circle:")
    return runs or any(step.state is State.CHANGING for step in steps)


st.title("Overview")
environment = current_environment()

st.markdown("From images to a monitored workflow that tells bicycles from motorcycles and knows when it is not sure.")
for name in filter(is_running, JobName):
    if name is not JobName.PIPELINE:
        follow_job(name)
draw_pipeline(environment)
with part():
    is_changing = is_running(JobName.PIPELINE) or any(
        step.state is State.CHANGING for step in reads.describe_steps(environment)
    )
    follow(draw_steps, is_changing=is_changing, seconds=2.0)
