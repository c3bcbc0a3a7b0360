"""The endpoint: deploying a model to it, where its model came from, and taking it away."""

from __future__ import annotations

import streamlit as st

from backend import jobs, model
from backend.environment import Environment
from backend.model import DeploymentOptions, EndpointState, TrainingRun
from pages.components.confirm import confirm
from pages.components.environment import action
from pages.components.live import JobName, is_running
from pages.components.status import draw_status
from pages.components.times import format_time

_DEFAULTS = DeploymentOptions()
_INSTANCE_TYPES = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge"]


def choose_deployment(completed: list[TrainingRun]) -> tuple[str, DeploymentOptions]:
    """The training job whose model to serve, the newest at first, and how."""
    job = st.selectbox("Model of training job", completed, format_func=_job_title, key="deployment.job")
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


def draw_endpoint(environment: Environment) -> bool:
    """The endpoint, read anew; returns whether it is changing."""
    state = model.describe_endpoint(environment)
    if state is None:
        return False
    with st.container(border=True):
        _draw_head(environment, state)
        if state.failure_reason:
            st.error(state.failure_reason, icon=":material/error:")
        _draw_lineage(state)
    return state.is_changing


def _draw_head(environment: Environment, state: EndpointState) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(state.name, anchor=False, width="content")
            draw_status(state.status)
        if not state.is_changing:
            _offer_deletion(environment, state)
    st.caption(
        f"{state.instance_count} x {state.instance_type}, classes {', '.join(state.labels) or 'unknown'}, "
        f"changed {format_time(state.modified_at)}"
    )


def _offer_deletion(environment: Environment, state: EndpointState) -> None:
    question = f"Delete endpoint {state.name}? The training job and its model artifact stay."
    if confirm("Delete endpoint", question, key="deployment.delete", disabled=is_running(JobName.DEPLOYMENT)):
        with action("Deletion started"):
            jobs.start(JobName.DEPLOYMENT, "Deleting the endpoint", model.delete_endpoint, environment)


def _draw_lineage(state: EndpointState) -> None:
    """From the dataset to the captured records, one line each."""
    share = f"{state.capture_percent}% of requests, to {state.capture_destination}"
    captured = share if state.capture_percent else "Off"
    st.table(
        {
            ":material/photo_library: Dataset": state.dataset_id or "unknown",
            ":material/model_training: Training job": state.training_job or "unknown",
            ":material/deployed_code: Model artifact": state.model_artifact,
            ":material/rocket_launch: Endpoint configuration": state.endpoint_config,
            ":material/database: Data capture": captured,
        },
        border="horizontal",
        hide_header=True,
    )


def _job_title(job: TrainingRun) -> str:
    accuracy = job.validation_accuracy
    return job.name if accuracy is None else f"{job.name} (validation accuracy {accuracy:.3f})"
