"""The endpoint: deploying a model to it, where its model came from, and taking it away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from backend import deployment, jobs
from backend.aws.environment import Environment
from backend.deployment import DeploymentOptions, Endpoint
from backend.training import Accuracy, TrainingJob
from pages.shared.confirm import confirm
from pages.shared.environment import action
from pages.shared.live import JobName, is_running
from pages.shared.status import draw_status
from pages.shared.text import as_text
from pages.shared.times import format_time

_DEFAULTS = DeploymentOptions()
_INSTANCE_TYPES = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge"]


def choose_deployment(
    completed: list[TrainingJob], accuracies: Mapping[str, Accuracy]
) -> tuple[str, DeploymentOptions]:
    """The training job whose model to serve, the newest at first, and how."""
    job = st.selectbox(
        "Model of training job",
        completed,
        format_func=lambda job: _job_title(job, accuracies.get(job.name)),
        key="deployment.job",
    )
    machine, count, capture = st.columns(3)
    instance_type = machine.selectbox(
        "Instance type",
        _INSTANCE_TYPES,
        index=_INSTANCE_TYPES.index(_DEFAULTS.instance_type),
        accept_new_options=True,
        key="deployment.instance_type",
    )
    instance_count = count.number_input("Instances", 1, 10, _DEFAULTS.instance_count, key="deployment.instances")
    percent = capture.slider(
        "Captured requests, %",
        0,
        100,
        _DEFAULTS.capture_percent,
        key="deployment.capture",
        help="Monitoring reads them.",
    )
    return job.name, DeploymentOptions(instance_type, instance_count, percent)


def follow_deployment(environment: Environment, config: str) -> None:
    """Tell at the end whether the endpoint serves from its new configuration: SageMaker takes back what fails."""
    work = partial(deployment.wait_for_endpoint, environment, config=config)
    jobs.start(JobName.DEPLOYMENT, "Deploying the model", work, "The model is deployed.")


def draw_endpoint(environment: Environment) -> bool:
    """The endpoint, read anew; returns whether it is changing."""
    endpoint = deployment.describe_endpoint(environment)
    if endpoint is None:
        return False
    with st.container(border=True):
        _draw_head(environment, endpoint)
        if endpoint.failure_reason:
            said = f"The last change was taken back: {endpoint.failure_reason}"
            st.error(as_text(said if endpoint.in_service else endpoint.failure_reason), icon=":material/error:")
        _draw_lineage(endpoint)
    return endpoint.is_changing


def _draw_head(environment: Environment, endpoint: Endpoint) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(endpoint.name, anchor=False, width="content")
            draw_status(endpoint.status)
        if not endpoint.is_changing:
            _offer_deletion(environment, endpoint)
    st.caption(
        f"{endpoint.instance_count} x {endpoint.instance_type}, classes {', '.join(endpoint.labels) or 'unknown'}, "
        f"changed {format_time(endpoint.modified_at)}"
    )


def _offer_deletion(environment: Environment, endpoint: Endpoint) -> None:
    question = f"Delete endpoint {endpoint.name}? The training job and its model artifact stay."
    if confirm("Delete endpoint", question, key="deployment.delete", disabled=is_running(JobName.DEPLOYMENT)):
        with action("Deletion started"):
            work = partial(deployment.delete_endpoint, environment)
            jobs.start(JobName.DEPLOYMENT, "Deleting the endpoint", work, "The endpoint is deleted.")


def _draw_lineage(endpoint: Endpoint) -> None:
    """From the dataset to the captured records, one line each."""
    share = f"{endpoint.capture_percent}% of requests, to {endpoint.capture_destination}"
    captured = share if endpoint.capture_percent else "Off"
    st.table(
        {
            ":material/photo_library: Dataset": endpoint.dataset_id or "unknown",
            ":material/model_training: Training job": endpoint.training_job or "unknown",
            ":material/deployed_code: Model artifact": endpoint.model_artifact,
            ":material/rocket_launch: Endpoint configuration": endpoint.endpoint_config,
            ":material/database: Data capture": captured,
        },
        border="horizontal",
        hide_header=True,
    )


def _job_title(job: TrainingJob, accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return job.name
    return f"{job.name} (validation accuracy {accuracy.kept:.3f}: {accuracy.epochs_in_words})"
