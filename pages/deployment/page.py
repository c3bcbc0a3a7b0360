"""Serving trained models from the endpoint."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import streamlit as st

from backend import deployment
from backend.deployment import Configuration, Endpoint
from backend.examples import Example
from backend.training import Accuracy, TrainingJob
from pages.deployment.challenger import draw_challenger
from pages.deployment.endpoint import draw_endpoint
from pages.deployment.following import change_endpoint, is_busy
from pages.deployment.form import choose_deployment
from pages.deployment.history import draw_history
from pages.deployment.trial import draw_trial
from pages.shared import (
    JobName,
    PagePath,
    current_environment,
    draw_about,
    draw_code,
    draw_missing,
    draw_next,
    follow,
    follow_job,
    part,
    reads,
)

st.title("Deployment")
draw_about(PagePath.DEPLOYMENT)
environment = current_environment()
completed: list[TrainingJob] | None = None
endpoint: Endpoint | None = None
configurations: list[Configuration] = []
accuracies: dict[str, Accuracy] = {}

with part():
    completed = reads.list_deployable_jobs(environment)
with part():
    accuracies = reads.accuracies(environment, tuple(job.name for job in completed or ()))
follow_job(JobName.DEPLOYMENT)
with part():
    endpoint = reads.describe_endpoint(environment)
    if endpoint is not None:
        follow(lambda: draw_endpoint(environment), is_changing=endpoint.is_changing)
    elif completed:
        draw_missing("No endpoint is deployed yet. The newest model is chosen below.")
if endpoint is not None and endpoint.in_service:
    draw_next(PagePath.WORKFLOW, "The model answers. Next, a workflow asks it about each image, and judges the answer.")
    with part():
        draw_trial(environment, endpoint)
    with part():
        draw_challenger(environment, endpoint, completed or [], accuracies)
with part():
    if completed == []:
        draw_missing("A deployment needs a trained model: no training job has one.", PagePath.TRAINING)
    elif completed:
        label = "Deploy" if endpoint is None else "Deploy another model"
        with st.expander(label, icon=":material/rocket_launch:", expanded=endpoint is None):
            job, options = choose_deployment(environment, completed, accuracies)
            if st.button("Deploy model", icon=":material/rocket_launch:", type="primary", disabled=is_busy(endpoint)):
                change = partial(deployment.deploy_model, environment, job, options)
                change_endpoint(environment, change, "Deploying the model", "The model is deployed.")
        with part():
            draw_code(environment, Example.DEPLOYMENT, {"training_job": job, **asdict(options)})
with part():
    configurations = reads.list_configurations(environment)
    if configurations:
        draw_history(environment, endpoint, configurations)
