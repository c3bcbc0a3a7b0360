"""Serving a trained model from the endpoint."""

from __future__ import annotations

import streamlit as st

from backend import deployment
from backend.deployment import Endpoint
from backend.training import Accuracy, TrainingJob
from pages.deployment.endpoint import choose_deployment, draw_endpoint, follow_deployment
from pages.shared import (
    JobName,
    PagePath,
    action,
    current_environment,
    draw_about,
    draw_missing,
    follow,
    follow_job,
    is_running,
    part,
    reads,
)

st.title("Deployment")
draw_about(PagePath.DEPLOYMENT)
environment = current_environment()
completed: list[TrainingJob] | None = None
endpoint: Endpoint | None = None
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
with part():
    if completed == []:
        draw_missing("A deployment needs a trained model: no training job has one.", PagePath.TRAINING)
    elif completed:
        label = "Deploy" if endpoint is None else "Deploy another model"
        with st.expander(label, icon=":material/rocket_launch:", expanded=endpoint is None):
            job, options = choose_deployment(completed, accuracies)
            changing = is_running(JobName.DEPLOYMENT) or (endpoint is not None and endpoint.is_changing)
            if st.button("Deploy model", icon=":material/rocket_launch:", type="primary", disabled=changing):
                with action("Deployment started"), st.spinner("Starting the deployment"):
                    config = deployment.deploy_model(environment, job, options)
                    follow_deployment(environment, config)
