"""Sending images through the workflow, and what became of each."""

from __future__ import annotations

import streamlit as st

from pages.shared import PagePath, current_environment, draw_about, draw_missing, part, reads
from pages.test_images.batches import draw_batches
from pages.test_images.execution import draw_execution
from pages.test_images.executions import draw_executions
from pages.test_images.picker import draw_submission
from pages.test_images.submitted import draw_submitted, submission_expander
from pages.test_images.traffic import draw_traffic

_EXECUTIONS, _BATCHES, _TRAFFIC = "Executions", "Batches", "Traffic"

st.title("Test images")
draw_about(PagePath.TEST_IMAGES)
environment = current_environment()
workflow = reads.describe_workflow(environment)

if workflow is None:
    draw_missing("Images go through the workflow, and none is deployed.", PagePath.WORKFLOW)
    st.stop()

choosing = st.container()
draw_submitted(environment, workflow)  # before the choice of others is drawn: somebody waits for it
with choosing, submission_expander(environment), part():
    draw_submission(environment, reads.describe_dataset(environment))

if (linked := st.query_params.get("execution")) is not None:
    if st.button("Show all executions", icon=":material/arrow_back:"):
        st.query_params.clear()
        st.rerun()
    with part():
        draw_execution(environment, workflow, linked)
    st.stop()

view = st.segmented_control(
    "What went through the workflow",
    [_EXECUTIONS, _BATCHES, _TRAFFIC],
    default=_EXECUTIONS,
    required=True,
    key="test_images.view",
    label_visibility="collapsed",
)
with part():
    if view == _BATCHES:
        draw_batches(environment, workflow)
    elif view == _TRAFFIC:
        draw_traffic(environment)
    else:
        draw_executions(environment, workflow)
