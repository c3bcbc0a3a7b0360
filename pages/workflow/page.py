"""The Lambdas and the state machines: deploying them, the threshold, many images at once, and who is told of what."""

from __future__ import annotations

import streamlit as st

from backend.deployment import Endpoint
from backend.examples import Example
from backend.workflow import DEFAULT_THRESHOLD, Workflow
from pages.shared import (
    JobName,
    PagePath,
    current_environment,
    draw_about,
    draw_code,
    draw_missing,
    draw_next,
    follow_job,
    part,
    reads,
)
from pages.workflow.deployed import draw_deployment, draw_workflow
from pages.workflow.fan_out import draw_fan_out
from pages.workflow.notifications import draw_notifications

st.title("Workflow")
draw_about(PagePath.WORKFLOW)
environment = current_environment()
endpoint: Endpoint | None = None
workflow: Workflow | None = None
endpoint_is_missing = False

follow_job(JobName.WORKFLOW)
with part():
    endpoint = reads.describe_endpoint(environment)
    endpoint_is_missing = endpoint is None
with part():
    workflow = reads.describe_workflow(environment)
    if workflow is not None:
        if endpoint_is_missing:
            draw_missing(
                "The workflow's endpoint does not exist. Images fail until one is deployed.", PagePath.DEPLOYMENT
            )
        draw_workflow(environment, workflow, endpoint)
        if endpoint is not None and endpoint.in_service:
            draw_next(PagePath.TEST_IMAGES, "The workflow is ready. Next, images go through it.")
    elif endpoint is not None:
        draw_missing("No workflow is deployed yet. Choose the threshold and deploy it.")
        draw_deployment(environment, endpoint)
    elif endpoint_is_missing:
        draw_missing("The workflow classifies with an endpoint, and none is deployed.", PagePath.DEPLOYMENT)
if endpoint is not None:
    with part():
        draw_code(
            environment,
            Example.WORKFLOW,
            {
                "labels": workflow.labels if workflow else endpoint.labels,
                "threshold": workflow.threshold if workflow else DEFAULT_THRESHOLD,
            },
        )
if workflow is not None:
    with part():
        draw_fan_out(environment, workflow)
    with part():
        draw_notifications(environment)
