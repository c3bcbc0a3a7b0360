"""Putting a trained model into service behind the project's endpoint, and taking it away."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.aws.names import CAPTURES_PREFIX
from backend.aws.polling import attempts, goes_on
from backend.deployment.artifacts import has_artifact
from backend.deployment.endpoint import describe_endpoint, find_endpoint
from backend.errors import ModelMissing
from backend.progress import Progress, no_progress
from backend.training import describe_training

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import DataCaptureConfigTypeDef

VARIANT = "AllTraffic"


@dataclass(frozen=True)
class DeploymentOptions:
    """The machine that serves, and how many requests of a hundred are captured."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    capture_percent: int = 100


def deploy_model(environment: Environment, training_job: str, options: DeploymentOptions) -> None:
    """Serve a completed training job's model; an endpoint that exists goes over to it without losing a request.

    Returns at once: follow with describe_endpoint. Raises ModelMissing when the job has no model, AwsRequestError when
    AWS refuses; what was made until then is deleted again, unless the endpoint may serve from it.
    """
    job = describe_training(environment, training_job)
    if job.status != "Completed" or job.model_artifact is None:
        raise ModelMissing(
            f"Training job {training_job} is {job.status} and has no model to deploy. Choose a completed job."
        )
    if not has_artifact(environment, job):
        raise ModelMissing(f"The model of training job {training_job} was deleted. Choose another job, or train again.")
    name = environment.names.stamped()
    with ExitStack() as undo:
        _create_model(environment, name, job.model_artifact)
        undo.callback(environment.sagemaker.delete_model, ModelName=name)
        _create_endpoint_config(environment, name, options)
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        try:
            _create_or_update_endpoint(environment, name)
        except BaseException as error:
            if _may_be_accepted(environment, name, error):
                undo.pop_all()
            raise
        undo.pop_all()


def delete_endpoint(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the endpoint, wait until it is gone, and delete its configuration and model.

    The training job and its artifact stay. An endpoint that is not there is no error.
    """
    endpoint = describe_endpoint(environment)
    if endpoint is None:
        return
    with aws_errors(f"delete endpoint {endpoint.name}"):
        delete_endpoint_and_wait(environment, endpoint.name, progress)
        with missing_is_fine():
            environment.sagemaker.delete_endpoint_config(EndpointConfigName=endpoint.endpoint_config)
        if endpoint.model is not None:
            with missing_is_fine():
                environment.sagemaker.delete_model(ModelName=endpoint.model)


def delete_endpoint_and_wait(environment: Environment, name: str, progress: Progress = no_progress) -> None:
    """Delete an endpoint alone, and wait until it is gone; as boto3 raises. One that is gone already is no error."""
    with missing_is_fine():
        environment.sagemaker.delete_endpoint(EndpointName=name)
    with goes_on(f"SageMaker goes on deleting endpoint {name}; its configuration and model are left for cleanup."):
        for _ in attempts(f"Deleting endpoint {name}"):
            if find_endpoint(environment, name) is None:
                return
            progress(0.0, f"Deleting endpoint {name}.")


def _create_model(environment: Environment, name: str, artifact: str) -> None:
    from sagemaker.core import image_uris  # imported late: the SDK takes seconds to load

    image = image_uris.retrieve("image-classification", region=environment.region)
    with aws_errors("create the model"):
        environment.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={"Image": image, "ModelDataUrl": artifact},
            ExecutionRoleArn=environment.names.sagemaker_role_arn,
            Tags=environment.tag_list,
        )


def _create_endpoint_config(environment: Environment, name: str, options: DeploymentOptions) -> None:
    with aws_errors("create the endpoint configuration"):
        environment.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": VARIANT,
                    "ModelName": name,
                    "InstanceType": cast("ProductionVariantInstanceTypeType", options.instance_type),
                    "InitialInstanceCount": options.instance_count,
                    "InitialVariantWeight": 1.0,
                }
            ],
            DataCaptureConfig=_capture(environment, options.capture_percent),
            Tags=environment.tag_list,
        )


def _capture(environment: Environment, percent: int) -> DataCaptureConfigTypeDef:
    return {
        "EnableCapture": percent > 0,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{environment.bucket}/{CAPTURES_PREFIX.rstrip('/')}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def _create_or_update_endpoint(environment: Environment, config: str) -> None:
    name = environment.names.endpoint
    with aws_errors("deploy the endpoint"):
        existing = find_endpoint(environment, name)
        if existing is not None and existing["EndpointStatus"] != "Failed":
            environment.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
            return
        if existing is not None:
            delete_endpoint_and_wait(environment, name)  # a failed endpoint cannot be updated
        environment.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=environment.tag_list)


def _may_be_accepted(environment: Environment, config: str, error: BaseException) -> bool:
    """Whether the endpoint may serve from this configuration, though asking for it failed.

    An answer that was lost says nothing; a refusal may be of boto3's second attempt, after the first was accepted.
    """
    if not isinstance(error.__cause__, ClientError):
        return True
    try:
        endpoint = find_endpoint(environment, environment.names.endpoint)
    except (BotoCoreError, ClientError):
        return True
    if endpoint is None:
        return False
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return config in (endpoint["EndpointConfigName"], pending)
