"""The project's endpoint as SageMaker describes it, with where its model came from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from backend.aws_errors import aws_errors, error_message
from backend.environment import Environment
from backend.errors import EndpointNotInService
from backend.model.training import dataset_id_of
from backend.progress import Progress, no_progress
from backend.staging import describe_dataset

_POLL_SECONDS = 0.5
_NOT_THERE = ("Could not find", "Requested resource not found")
"""How SageMaker's Describe calls begin to say that there is no such thing; the second is of training jobs."""


@dataclass(frozen=True)
class EndpointState:
    """The endpoint as SageMaker describes it, with where its model came from.

    What hangs on the endpoint configuration, the model or the training job is None when those are gone: it serves on.
    """

    name: str
    status: str
    failure_reason: str | None
    created_at: datetime
    modified_at: datetime
    endpoint_config: str
    model: str | None
    model_artifact: str | None
    training_job: str | None
    dataset_id: str | None
    labels: tuple[str, ...]
    instance_type: str | None
    instance_count: int | None
    capture_percent: int
    capture_destination: str | None

    @property
    def in_service(self) -> bool:
        return self.status == "InService"

    @property
    def is_changing(self) -> bool:
        return self.status in {"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"}


def describe_endpoint(environment: Environment) -> EndpointState | None:
    """The project's endpoint and its lineage, or None when there is none."""
    sagemaker = environment.sagemaker
    with aws_errors("describe the endpoint"):
        endpoint = find_endpoint(environment)
        if endpoint is None:
            return None
        config = _find(sagemaker.describe_endpoint_config, EndpointConfigName=endpoint["EndpointConfigName"]) or {}
        variant = config.get("ProductionVariants", [{}])[0]
        model = _find(sagemaker.describe_model, ModelName=variant["ModelName"]) if variant else None
        artifact = model.get("PrimaryContainer", {}).get("ModelDataUrl") if model else None
        job_name = _job_of(artifact) if artifact else None
        job = _find(sagemaker.describe_training_job, TrainingJobName=job_name) if job_name else None
    dataset_id = dataset_id_of(job) if job else None
    dataset = describe_dataset(environment, dataset_id) if dataset_id else None
    capture = config.get("DataCaptureConfig", {})
    return EndpointState(
        name=endpoint["EndpointName"],
        status=endpoint["EndpointStatus"],
        failure_reason=endpoint.get("FailureReason"),
        created_at=endpoint["CreationTime"],
        modified_at=endpoint["LastModifiedTime"],
        endpoint_config=endpoint["EndpointConfigName"],
        model=variant.get("ModelName"),
        model_artifact=artifact,
        training_job=job["TrainingJobName"] if job else None,
        dataset_id=dataset_id,
        labels=dataset.labels if dataset else (),
        instance_type=variant.get("InstanceType"),
        instance_count=variant.get("InitialInstanceCount"),
        capture_percent=capture["InitialSamplingPercentage"] if capture.get("EnableCapture") else 0,
        capture_destination=capture.get("DestinationS3Uri"),
    )


def wait_for_endpoint(environment: Environment, progress: Progress = no_progress) -> EndpointState:
    """Wait until the endpoint stops changing; raises EndpointNotInService with SageMaker's reason when it failed."""
    while (state := describe_endpoint(environment)) is not None and state.is_changing:
        progress(0.0, f"Endpoint {state.name}: {state.status}.")
        time.sleep(_POLL_SECONDS)
    if state is None or not state.in_service:
        reason = f"is {state.status}: {state.failure_reason or 'no reason given'}" if state else "does not exist"
        raise EndpointNotInService(f"Endpoint {environment.endpoint_name} {reason}. Deploy a model again.")
    return state


def find_endpoint(environment: Environment) -> dict[str, Any] | None:
    """What DescribeEndpoint answers, or None when there is no such endpoint."""
    return _find(environment.sagemaker.describe_endpoint, EndpointName=environment.endpoint_name)


def _find(describe: Callable[..., Any], **name: str) -> dict[str, Any] | None:
    """What a Describe call answers, or None when it could not find that name."""
    try:
        answer: dict[str, Any] = describe(**name)
    except ClientError as error:
        if error_message(error).startswith(_NOT_THERE):
            return None
        raise
    return answer


def _job_of(artifact: str) -> str | None:
    """The name of the training job that wrote `s3://<bucket>/models/<job>/output/model.tar.gz`; None for others."""
    parts = artifact.split("/")
    return parts[-3] if parts[-2:] == ["output", "model.tar.gz"] else None
