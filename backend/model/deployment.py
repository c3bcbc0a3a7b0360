"""The endpoint that serves a trained model, and what it captures."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backend.aws_errors import aws_errors, error_message
from backend.environment import Environment
from backend.errors import EndpointNotInService, TrainingNotPossible
from backend.model.training import describe_training
from backend.progress import Progress, no_progress
from backend.staging import describe_dataset

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import (
        DescribeEndpointConfigOutputTypeDef,
        DescribeEndpointOutputTypeDef,
    )

VARIANT = "AllTraffic"
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class DeploymentOptions:
    """The machine that serves, and how many requests of a hundred are captured."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    capture_percent: int = 100


@dataclass(frozen=True)
class EndpointState:
    """The endpoint as SageMaker describes it, with where its model came from."""

    name: str
    status: str
    failure_reason: str | None
    created_at: datetime
    modified_at: datetime
    endpoint_config: str
    model: str
    model_artifact: str
    training_job: str | None
    dataset_id: str | None
    labels: tuple[str, ...]
    instance_type: str
    instance_count: int
    capture_percent: int
    capture_destination: str | None

    @property
    def in_service(self) -> bool:
        return self.status == "InService"

    @property
    def is_changing(self) -> bool:
        return self.status in {"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"}


def deploy_model(environment: Environment, training_job: str, options: DeploymentOptions) -> None:
    """Serve a completed training job's model; an endpoint that exists goes over to it without losing a request.

    Returns at once: follow with describe_endpoint. Raises TrainingNotPossible when the job has no model,
    AwsRequestError when AWS refuses; what was made until then is deleted again.
    """
    run = describe_training(environment, training_job)
    if run.status != "Completed" or run.model_artifact is None:
        raise TrainingNotPossible(
            f"Training job {training_job} is {run.status} and has no model to deploy. Choose a completed job."
        )
    name = f"{environment.project}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    with ExitStack() as undo:
        _create_model(environment, name, run.model_artifact)
        undo.callback(environment.sagemaker.delete_model, ModelName=name)
        _create_endpoint_config(environment, name, options)
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        _create_or_update_endpoint(environment, name)
        undo.pop_all()


def describe_endpoint(environment: Environment) -> EndpointState | None:
    """The project's endpoint and its lineage, or None when there is none."""
    with aws_errors("describe the endpoint"):
        endpoint = _find_endpoint(environment)
        if endpoint is None:
            return None
        config = environment.sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        model = environment.sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    artifact = model["PrimaryContainer"]["ModelDataUrl"]
    training_job = _training_job_of(artifact)
    dataset_id = describe_training(environment, training_job).dataset_id if training_job else None
    dataset = describe_dataset(environment, dataset_id) if dataset_id else None
    return EndpointState(
        name=endpoint["EndpointName"],
        status=endpoint["EndpointStatus"],
        failure_reason=endpoint.get("FailureReason"),
        created_at=endpoint["CreationTime"],
        modified_at=endpoint["LastModifiedTime"],
        model_artifact=artifact,
        training_job=training_job,
        dataset_id=dataset_id,
        labels=dataset.labels if dataset else (),
        **_configured(config),
    )


def _configured(config: DescribeEndpointConfigOutputTypeDef) -> dict[str, Any]:
    variant = config["ProductionVariants"][0]
    capture = config.get("DataCaptureConfig")
    return {
        "endpoint_config": config["EndpointConfigName"],
        "model": variant["ModelName"],
        "instance_type": variant["InstanceType"],
        "instance_count": variant["InitialInstanceCount"],
        "capture_percent": capture["InitialSamplingPercentage"] if capture and capture.get("EnableCapture") else 0,
        "capture_destination": capture["DestinationS3Uri"] if capture else None,
    }


def wait_for_endpoint(environment: Environment, progress: Progress = no_progress) -> EndpointState:
    """Wait until the endpoint stops changing; raises EndpointNotInService with SageMaker's reason when it failed."""
    while (state := describe_endpoint(environment)) is not None and state.is_changing:
        progress(0.0, f"Endpoint {state.name}: {state.status}.")
        time.sleep(_POLL_SECONDS)
    if state is None or not state.in_service:
        reason = f"is {state.status}: {state.failure_reason or 'no reason given'}" if state else "does not exist"
        raise EndpointNotInService(f"Endpoint {environment.endpoint_name} {reason}. Deploy a model again.")
    return state


def delete_endpoint(environment: Environment) -> None:
    """Delete the endpoint with its configuration and model; the training job and its artifact stay."""
    state = describe_endpoint(environment)
    if state is None:
        return
    with aws_errors(f"delete endpoint {state.name}"):
        environment.sagemaker.delete_endpoint(EndpointName=state.name)
        environment.sagemaker.delete_endpoint_config(EndpointConfigName=state.endpoint_config)
        environment.sagemaker.delete_model(ModelName=state.model)


def _create_model(environment: Environment, name: str, artifact: str) -> None:
    from sagemaker.core import image_uris  # imported late: the SDK takes seconds to load
    from sagemaker.core.resources import Model
    from sagemaker.core.shapes import ContainerDefinition

    image = image_uris.retrieve("image-classification", region=environment.region)
    with aws_errors("create the model"):
        Model.create(
            model_name=name,
            primary_container=ContainerDefinition(image=image, model_data_url=artifact),
            execution_role_arn=environment.sagemaker_role_arn,
            tags=_tags(environment),  # type: ignore[arg-type]
            session=environment.session,
            region=environment.region,
        )


def _create_endpoint_config(environment: Environment, name: str, options: DeploymentOptions) -> None:
    from sagemaker.core.resources import EndpointConfig
    from sagemaker.core.shapes import (
        CaptureContentTypeHeader,
        CaptureOption,
        DataCaptureConfig,
        ProductionVariant,
    )

    capture = DataCaptureConfig(
        enable_capture=options.capture_percent > 0,
        initial_sampling_percentage=options.capture_percent,
        destination_s3_uri=f"s3://{environment.bucket}/{environment.capture_prefix}",
        capture_options=[CaptureOption(capture_mode="Input"), CaptureOption(capture_mode="Output")],
        capture_content_type_header=CaptureContentTypeHeader(json_content_types=["application/json"]),
    )
    variant = ProductionVariant(
        variant_name=VARIANT,
        model_name=name,
        instance_type=options.instance_type,
        initial_instance_count=options.instance_count,
        initial_variant_weight=1.0,
    )
    with aws_errors("create the endpoint configuration"):
        EndpointConfig.create(
            endpoint_config_name=name,
            production_variants=[variant],
            data_capture_config=capture,
            tags=_tags(environment),  # type: ignore[arg-type]
            session=environment.session,
            region=environment.region,
        )


def _create_or_update_endpoint(environment: Environment, config: str) -> None:
    from sagemaker.core.resources import Endpoint

    with aws_errors("deploy the endpoint"):
        existing = _find_endpoint(environment)
        if existing is not None and existing["EndpointStatus"] != "Failed":
            environment.sagemaker.update_endpoint(EndpointName=environment.endpoint_name, EndpointConfigName=config)
            return
        if existing is not None:
            _delete_failed_endpoint(environment)
        Endpoint.create(
            endpoint_name=environment.endpoint_name,
            endpoint_config_name=config,
            tags=_tags(environment),  # type: ignore[arg-type]
            session=environment.session,
            region=environment.region,
        )


def _delete_failed_endpoint(environment: Environment) -> None:
    """A failed endpoint cannot be updated: it makes room for a new one."""
    environment.sagemaker.delete_endpoint(EndpointName=environment.endpoint_name)
    environment.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=environment.endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )


def _find_endpoint(environment: Environment) -> DescribeEndpointOutputTypeDef | None:
    try:
        return environment.sagemaker.describe_endpoint(EndpointName=environment.endpoint_name)
    except ClientError as error:
        if error_message(error).startswith("Could not find"):
            return None
        raise


def _training_job_of(artifact: str) -> str | None:
    """The job that wrote `s3://<bucket>/models/<job>/output/model.tar.gz`."""
    parts = artifact.split("/")
    return parts[-3] if parts[-2:] == ["output", "model.tar.gz"] else None


def _tags(environment: Environment) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in environment.tags.items()]
