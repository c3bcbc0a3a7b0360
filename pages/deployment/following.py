"""Changing the endpoint: asked for at once, and followed in the background until SageMaker is done or takes it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from backend import deployment, jobs
from backend.aws.environment import Environment
from backend.deployment import Endpoint
from pages.shared.environment import action
from pages.shared.live import JobName, is_running


def change_endpoint(environment: Environment, change: Callable[[], str], title: str, done: str) -> None:
    """Ask for a change, which returns the configuration that the endpoint is to serve from, and follow it.

    `title` says what goes on, `done` what has come of it; what SageMaker takes back is told at the end.
    """
    with action(f"{title}: started"), st.spinner(title):
        config = change()
        work = partial(deployment.wait_for_endpoint, environment, config=config)
        jobs.start(JobName.DEPLOYMENT, title, work, done)


def is_busy(endpoint: Endpoint | None) -> bool:
    """Whether the endpoint takes no change now."""
    return is_running(JobName.DEPLOYMENT) or (endpoint is not None and endpoint.is_changing)
