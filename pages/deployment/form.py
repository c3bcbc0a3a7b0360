"""Which model to serve, on what, and what is captured of its requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from backend.aws.environment import Environment
from backend.deployment import DeploymentOptions, capture_folder
from backend.prices import hourly_price, priced
from backend.training import Accuracy, TrainingJob

_DEFAULTS = DeploymentOptions()
_INSTANCE_TYPES = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge"]


def choose_deployment(
    environment: Environment, completed: Sequence[TrainingJob], accuracies: Mapping[str, Accuracy]
) -> tuple[str, DeploymentOptions]:
    """The training job whose model to serve, the newest at first, and how."""
    job = choose_model(completed, accuracies, key="deployment.job")
    machine, count, capture = st.columns(3)
    instance_type = machine.selectbox(
        "Instance type",
        _INSTANCE_TYPES,
        index=_INSTANCE_TYPES.index(_DEFAULTS.instance_type),
        format_func=priced,
        accept_new_options=True,
        key="deployment.instance_type",
        help="Others can be written. Prices are of us-east-1, for each instance.",
    )
    instances = count.number_input("Instances", 1, 10, _DEFAULTS.instance_count, key="deployment.instances")
    percent = capture.slider(
        "Captured requests, %",
        0,
        100,
        _DEFAULTS.capture_percent,
        key="deployment.capture",
        help="Monitoring reads them.",
    )
    destination = st.text_input(
        "Captured to",
        capture_folder(environment),
        key="deployment.destination",
        disabled=percent == 0,
        help="Monitoring reads the project's own folder, and what is below it. Another bucket has to let the project's "
        "SageMaker role write to it, and Monitoring reads it when it is added there as a source.",
    )
    price = hourly_price(instance_type, instances)
    costs = f"{price} as long as the endpoint exists" if price else "what AWS's price list says"
    st.caption(f"On AWS this costs {costs}; on this machine nothing.".replace("$", "\\$"))
    return job, DeploymentOptions(instance_type, instances, percent, destination)


def choose_model(completed: Sequence[TrainingJob], accuracies: Mapping[str, Accuracy], *, key: str) -> str:
    """The name of a training job whose model is there."""
    job = st.selectbox(
        "Model of training job",
        completed,
        format_func=lambda job: _title(job, accuracies.get(job.name)),
        key=key,
    )
    return job.name


def _title(job: TrainingJob, accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return job.name
    return f"{job.name} (validation accuracy {accuracy.kept:.3f}: {accuracy.epochs_in_words})"
