"""What an endpoint serves from, and how it goes: the project's own one, and one that is there for a while."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.aws.names import CAPTURES_PREFIX
from backend.aws.polling import attempts, goes_on
from backend.deployment.endpoint import CHANGING, find_endpoint
from backend.errors import DeploymentNotPossible
from backend.progress import Progress, no_progress
from backend.training.algorithm import algorithm_image

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        DataCaptureConfigTypeDef,
        DataCaptureConfigUnionTypeDef,
        ProductionVariantUnionTypeDef,
    )

_FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/?#\s]+(/[^/?#\s]+)*")
VARIANT = "AllTraffic"
"""Of what is deployed alone. A challenger's variant has a name of its own, which it keeps when it is promoted."""
_SETTLING_SECONDS = 3600
"""For how long an endpoint may be changing: SageMaker gives up by itself before."""


@dataclass(frozen=True)
class DeploymentOptions:
    """The machine that serves, how many requests of a hundred are captured, and where to.

    `capture_destination` is the URI of a folder in S3; None is the project's own, which Monitoring reads.
    """

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    capture_percent: int = 100
    capture_destination: str | None = None


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
    """Create a configuration of this name for the model of the same name.

    Raises DeploymentNotPossible where nothing can be captured to, AwsRequestError.
    """
    variant: ProductionVariantUnionTypeDef = {
        "VariantName": VARIANT,
        "ModelName": name,
        "InstanceType": cast("ProductionVariantInstanceTypeType", options.instance_type),
        "InitialInstanceCount": options.instance_count,
        "InitialVariantWeight": 1.0,
    }
    create_config(environment, name, _capture(environment, options), [variant])


def create_config(
    environment: Environment,
    name: str,
    capture: DataCaptureConfigUnionTypeDef | None,
    variants: Sequence[ProductionVariantUnionTypeDef],
    shadow: ProductionVariantUnionTypeDef | None = None,
) -> None:
    """Create an endpoint configuration; `capture` is None where the one that it follows has none. AwsRequestError."""
    optional: dict[str, Any] = {"DataCaptureConfig": capture, "ShadowProductionVariants": shadow and [shadow]}
    with aws_errors("create the endpoint configuration"):
        environment.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=variants,
            Tags=environment.tag_list,
            **{member: value for member, value in optional.items() if value},
        )


def capture_folder(environment: Environment) -> str:
    """Where the project's endpoint captures to, unless it is told otherwise."""
    return f"s3://{environment.bucket}/{CAPTURES_PREFIX.rstrip('/')}"


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


def _capture(environment: Environment, options: DeploymentOptions) -> DataCaptureConfigTypeDef:
    return {
        "EnableCapture": options.capture_percent > 0,
        "InitialSamplingPercentage": options.capture_percent,
        "DestinationS3Uri": _destination(environment, options.capture_destination),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def _destination(environment: Environment, chosen: str | None) -> str:
    """Raises DeploymentNotPossible for what is no folder of S3, or one of the project's that is for other things."""
    own = capture_folder(environment)
    destination = (chosen or own).strip().rstrip("/")
    if not _FOLDER.fullmatch(destination):
        raise DeploymentNotPossible(
            f"Nothing can be captured to {destination}: it is no folder in S3. Give one as s3://bucket/folder."
        )
    if destination.startswith(f"s3://{environment.bucket}/") and not f"{destination}/".startswith(f"{own}/"):
        raise DeploymentNotPossible(
            f"Nothing can be captured to {destination}: the project's bucket has other things there, and Monitoring "
            f"would not read it. Choose a folder below {own}, or another bucket."
        )
    return destination
