"""Sending images through the workflow, and what became of each."""

from __future__ import annotations

import streamlit as st

from pages.shared import JobName, PagePath, current_environment, draw_missing, follow_job, part, reads
from pages.test_images.execution import choose_execution, draw_execution
from pages.test_images.picker import draw_submission

st.title("Test images")
environment = current_environment()
workflow = reads.describe_workflow(environment)

if workflow is None:
    draw_missing("Images go through the workflow, and none is deployed.", PagePath.WORKFLOW)
    st.stop()

with st.expander("Submit images", icon=":material/send:", expanded=True), part():
    draw_submission(environment, reads.describe_dataset(environment))
follow_job(JobName.TEST_IMAGES)

st.subheader("Executions")
linked = st.query_params.get("execution")
with part():
    if linked is not None:
        if st.button("Show all executions", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
        draw_execution(environment, workflow, linked)
    elif not (executions := reads.list_executions(environment)):
        draw_missing("No image went through the workflow yet. Choose some above and submit them.")
    elif chosen := choose_execution(environment, executions):
        draw_execution(environment, workflow, chosen.name)
