"""What an endpoint serves from, and how it goes: the project's own one, and one that is there for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.aws.names import CAPTURES_PREFIX
from backend.aws.polling import attempts, goes_on
from backend.deployment.endpoint import CHANGING, find_endpoint
from backend.progress import Progress, no_progress
from backend.training.algorithm import algorithm_image

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import DataCaptureConfigTypeDef

VARIANT = "AllTraffic"
_SETTLING_SECONDS = 3600
"""For how long an endpoint may be changing: SageMaker gives up by itself before."""


@dataclass(frozen=True)
class DeploymentOptions:
    """The machine that serves, and how many requests of a hundred are captured."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    capture_percent: int = 100


def create_model(environment: Environment, name: str, artifact: str) -> None:
    """Create a model of an artifact's URI. Raises AwsRequestError, ConfigurationError."""
    image = algorithm_image(environment)
    with aws_errors("create the model"):
        environment.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={"Image": image, "ModelDataUrl": artifact},
            ExecutionRoleArn=environment.names.sagemaker_role_arn,
            Tags=environment.tag_list,
        )


def create_endpoint_config(environment: Environment, name: str, options: DeploymentOptions) -> None:
    """Create a configuration of this name for the model of the same name. Raises AwsRequestError."""
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


def delete_endpoint_and_wait(environment: Environment, name: str, progress: Progress = no_progress) -> None:
    """Delete an endpoint alone, and wait until it is gone; as boto3 raises. One that is gone already is no error."""
    with missing_is_fine():
        environment.sagemaker.delete_endpoint(EndpointName=name)
    with goes_on(f"SageMaker goes on deleting endpoint {name}; its configuration and model are left for cleanup."):
        for _ in attempts(f"Deleting endpoint {name}"):
            if find_endpoint(environment, name) is None:
                return
            progress(0.0, f"Deleting endpoint {name}.")


def delete_settled_endpoint(environment: Environment, name: str, progress: Progress = no_progress) -> None:
    """Delete an endpoint once it is settled: AWS refuses before, and it would come into service after all."""
    for _ in attempts(f"Endpoint {name}", _SETTLING_SECONDS):
        endpoint = find_endpoint(environment, name)
        if endpoint is None:
            return
        if endpoint["EndpointStatus"] not in CHANGING:
            break
        progress(0.0, f"Endpoint {name} is {endpoint['EndpointStatus']}, and can be deleted after that.")
    delete_endpoint_and_wait(environment, name, progress)


def _capture(environment: Environment, percent: int) -> DataCaptureConfigTypeDef:
    return {
        "EnableCapture": percent > 0,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{environment.bucket}/{CAPTURES_PREFIX.rstrip('/')}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
