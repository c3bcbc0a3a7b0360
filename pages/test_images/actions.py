"""What can be done with an execution: stop it, send its input again, look at it in AWS's own console."""

from __future__ import annotations

import streamlit as st

from backend import workflow
from backend.aws.console import execution_url
from backend.aws.environment import Environment
from backend.workflow import Execution
from pages.shared import JobName, is_running, part, reads
from pages.test_images.sending import send


def draw_actions(environment: Environment, execution: Execution, *, key: str) -> None:
    """The buttons beside an execution's name; `key` tells them from those of another on the page."""
    if not execution.has_ended:
        st.button(
            "Stop",
            key=f"{key}.stop",
            icon=":material/stop_circle:",
            on_click=_stop,
            args=(environment, execution.name),
        )
    st.button(
        "Run again",
        key=f"{key}.again",
        icon=":material/replay:",
        help="Starts another execution with the same input.",
        disabled=is_running(JobName.TEST_IMAGES),
        on_click=send,
        args=(environment, workflow.submit_again, execution.name),
    )
    if url := execution_url(environment, execution.name):
        st.link_button("AWS console", url, icon=":material/open_in_new:")


def _stop(environment: Environment, name: str) -> None:
    with part():
        workflow.stop_execution(environment, name)
        reads.forget_executions()
