"""The project's endpoint as SageMaker describes it, with where its model came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.polling import attempts, goes_on
from backend.errors import EndpointNotInService
from backend.progress import Progress, no_progress
from backend.staging import describe_dataset
from backend.training.jobs import dataset_id_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

CHANGING = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"})
"""The statuses of an endpoint that is neither to be changed nor to be deleted yet."""


@dataclass(frozen=True)
class Endpoint:
    """The endpoint as SageMaker describes it, with where its model came from.

    What hangs on the endpoint configuration, the model or the training job is None when those are gone: it serves on.
    """

    name: str
    status: str
    failure_reason: str | None
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
        return self.status in CHANGING


def describe_endpoint(environment: Environment) -> Endpoint | None:
    """The project's endpoint and its lineage, or None when there is none."""
    sagemaker = environment.sagemaker
    with aws_errors("describe the endpoint"):
        endpoint = find_endpoint(environment, environment.names.endpoint)
        if endpoint is None:
            return None
        config = find(sagemaker.describe_endpoint_config, EndpointConfigName=endpoint["EndpointConfigName"])
        variant: Mapping[str, Any] = config["ProductionVariants"][0] if config else {}
        model = find(sagemaker.describe_model, ModelName=variant["ModelName"]) if "ModelName" in variant else None
        artifact = model.get("PrimaryContainer", {}).get("ModelDataUrl") if model else None
        job_name = _job_of(artifact) if artifact else None
        job = find(sagemaker.describe_training_job, TrainingJobName=job_name) if job_name else None
    dataset_id = dataset_id_of(job) if job else None
    dataset = describe_dataset(environment, dataset_id) if dataset_id else None
    capture: Mapping[str, Any] = config.get("DataCaptureConfig", {}) if config else {}
    return Endpoint(
        name=endpoint["EndpointName"],
        status=endpoint["EndpointStatus"],
        failure_reason=endpoint.get("FailureReason"),
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


def wait_for_endpoint(
    environment: Environment, progress: Progress = no_progress, *, config: str | None = None
) -> Endpoint:
    """Wait until the endpoint stops changing, and serves from an endpoint configuration where one is named.

    Raises EndpointNotInService with SageMaker's reason when it failed. A change that fails is taken back: the endpoint
    is in service again, from the configuration of before, and SageMaker does not always say why.
    """
    name = environment.names.endpoint
    with goes_on(f"SageMaker goes on with endpoint {name}."):
        for _ in attempts(f"Endpoint {name}"):
            endpoint = describe_endpoint(environment)
            if endpoint is None or not endpoint.is_changing:
                break
            progress(0.0, f"Endpoint {name}: {endpoint.status}.")
    if endpoint is None:
        raise EndpointNotInService(f"Endpoint {name} does not exist. Deploy a model again.")
    if not endpoint.in_service:
        reason = endpoint.failure_reason or "no reason given"
        raise EndpointNotInService(f"Endpoint {name} is {endpoint.status}: {reason}. Deploy a model again.")
    if config is not None and endpoint.endpoint_config != config:
        raise EndpointNotInService(
            f"Endpoint {name} does not serve the new model: SageMaker took the change back"
            f"{f' ({endpoint.failure_reason})' if endpoint.failure_reason else ''}. It serves what it served before. "
            "Read the endpoint's log, and deploy again."
        )
    return endpoint


def find_endpoint(environment: Environment, name: str) -> DescribeEndpointOutputTypeDef | None:
    """What DescribeEndpoint answers, or None when there is no such endpoint."""
    return find(environment.sagemaker.describe_endpoint, EndpointName=name)


def _job_of(artifact: str) -> str | None:
    """The name of the training job that wrote `s3://<bucket>/models/<job>/output/model.tar.gz`; None for others."""
    parts = artifact.split("/")
    return parts[-3] if parts[-2:] == ["output", "model.tar.gz"] else None
