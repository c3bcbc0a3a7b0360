"""Putting a trained model into service behind the project's endpoint, and taking it away."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.aws_errors import aws_errors
from backend.environment import Environment
from backend.errors import TrainingNotPossible
from backend.model.endpoint import describe_endpoint, find_endpoint
from backend.model.training import describe_training
from backend.progress import Progress, no_progress

VARIANT = "AllTraffic"


@dataclass(frozen=True)
class DeploymentOptions:
    """The machine that serves, and how many requests of a hundred are captured."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    capture_percent: int = 100


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


def delete_endpoint(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the endpoint, wait until it is gone, and delete its configuration and model.

    The training job and its artifact stay. An endpoint that is not there is no error.
    """
    state = describe_endpoint(environment)
    if state is None:
        return
    with aws_errors(f"delete endpoint {state.name}"):
        progress(0.0, f"Deleting endpoint {state.name}.")
        _delete_and_wait(environment)
        environment.sagemaker.delete_endpoint_config(EndpointConfigName=state.endpoint_config)
        if state.model is not None:
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
            tags=_tags(environment),
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
            tags=_tags(environment),
            session=environment.session,
            region=environment.region,
        )


def _create_or_update_endpoint(environment: Environment, config: str) -> None:
    from sagemaker.core.resources import Endpoint

    with aws_errors("deploy the endpoint"):
        existing = find_endpoint(environment)
        if existing is not None and existing["EndpointStatus"] != "Failed":
            environment.sagemaker.update_endpoint(EndpointName=environment.endpoint_name, EndpointConfigName=config)
            return
        if existing is not None:
            _delete_and_wait(environment)  # a failed endpoint cannot be updated
        Endpoint.create(
            endpoint_name=environment.endpoint_name,
            endpoint_config_name=config,
            tags=_tags(environment),
            session=environment.session,
            region=environment.region,
        )


def _delete_and_wait(environment: Environment) -> None:
    environment.sagemaker.delete_endpoint(EndpointName=environment.endpoint_name)
    environment.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=environment.endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )


def _tags(environment: Environment) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in environment.tags.items()]
