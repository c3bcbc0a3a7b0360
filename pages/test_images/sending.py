"""Starting what the page sends, in the background: one submission at a time, which every session sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from backend import jobs
from backend.aws.environment import Environment
from backend.workflow import Submission
from pages.shared import JobName, part, reads


@st.cache_resource(show_spinner=False, hash_funcs={Environment: reads.identity})
def _latest(environment: Environment) -> dict[str, Submission]:  # noqa: ARG001  what it is kept by
    return {}


def latest_submission(environment: Environment) -> Submission | None:
    """What was sent last, by any session, as long as its job is remembered."""
    return _latest(environment).get("latest") if jobs.find(JobName.TEST_IMAGES) else None


def send(environment: Environment, work: Callable[..., object], *arguments: Any, **options: Any) -> None:
    """Start work that takes an environment, these arguments, a progress call and a submission; for a button's click.

    What keeps it from starting is said on top of the page.
    """
    with part():
        submission = Submission()
        told = partial(work, environment, *arguments, **options, submission=submission)
        jobs.start(JobName.TEST_IMAGES, "Submitting images", told)
        _latest(environment)["latest"] = submission
        reads.forget_executions()
