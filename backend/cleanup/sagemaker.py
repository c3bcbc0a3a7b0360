"""SageMaker's part of the project: what carries its tag."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from backend import model
from backend.aws_errors import error_message
from backend.cleanup.resource import Kind, Resource
from backend.environment import Environment
from backend.errors import AwsRequestError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ProductionVariantOutputTypeDef, TagTypeDef

_POLL_SECONDS = 1
_MAX_POLLS = 1800
_MISSING = ("Could not find", "Requested resource not found")


def _find_endpoints(environment: Environment) -> Iterator[Resource]:
    for item in _tagged(environment, "list_endpoints", "Endpoints", "EndpointArn"):
        detail = f"{item['EndpointStatus']}{_machines(environment, item['EndpointName'])}"
        yield Resource("endpoint", item["EndpointName"], detail, item["EndpointArn"])


def _machines(environment: Environment, endpoint: str) -> str:
    """What an endpoint runs on, and that this costs; empty when that cannot be told any more."""
    variants: Sequence[ProductionVariantOutputTypeDef] = []
    with _missing_is_fine():
        config = environment.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        variants = environment.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    machines = ", ".join(f"{item['InitialInstanceCount']} x {item['InstanceType']}" for item in variants)
    return machines and f", {machines}: on AWS billed until it is deleted, used or not"


def _delete_endpoint(environment: Environment, resource: Resource) -> None:
    with _missing_is_fine():
        environment.sagemaker.delete_endpoint(EndpointName=resource.name)
    environment.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=resource.name, WaiterConfig={"Delay": _POLL_SECONDS, "MaxAttempts": _MAX_POLLS}
    )


def _find_endpoint_configs(environment: Environment) -> Iterator[Resource]:
    for item in _tagged(environment, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn"):
        detail = f"made {item['CreationTime']:%Y-%m-%d %H:%M}"
        yield Resource("endpoint configuration", item["EndpointConfigName"], detail, item["EndpointConfigArn"])


def _delete_endpoint_config(environment: Environment, resource: Resource) -> None:
    with _missing_is_fine():
        environment.sagemaker.delete_endpoint_config(EndpointConfigName=resource.name)


def _find_models(environment: Environment) -> Iterator[Resource]:
    for item in _tagged(environment, "list_models", "Models", "ModelArn"):
        yield Resource("model", item["ModelName"], f"made {item['CreationTime']:%Y-%m-%d %H:%M}", item["ModelArn"])


def _delete_model(environment: Environment, resource: Resource) -> None:
    with _missing_is_fine():
        environment.sagemaker.delete_model(ModelName=resource.name)


def _find_running_training_jobs(environment: Environment) -> Iterator[Resource]:
    """Only those that run: AWS keeps the record of one that ended, for good and free of charge."""
    for status in ("InProgress", "Stopping"):
        for item in _tagged(
            environment, "list_training_jobs", "TrainingJobSummaries", "TrainingJobArn", StatusEquals=status
        ):
            detail = f"{item['TrainingJobStatus']}: will be stopped; its record stays"
            yield Resource("running training job", item["TrainingJobName"], detail, item["TrainingJobArn"])


def _stop_training_job(environment: Environment, resource: Resource) -> None:
    try:
        model.stop_training(environment, resource.name)
    except AwsRequestError:
        if not model.describe_training(environment, resource.name).has_ended:
            raise
    for _ in range(_MAX_POLLS):
        if model.describe_training(environment, resource.name).has_ended:
            return
        time.sleep(_POLL_SECONDS)
    raise AwsRequestError(f"Training job {resource.name} is still stopping.")


_Operation = Literal["list_endpoints", "list_endpoint_configs", "list_models", "list_training_jobs"]


def _tagged(
    environment: Environment, operation: _Operation, member: str, arn_member: str, **filters: str
) -> Iterator[dict[str, Any]]:
    """The items of a list operation that carry the project's tag; names are only there to ask for fewer tags."""
    paginator: Any = environment.sagemaker.get_paginator(operation)
    for page in paginator.paginate(NameContains=environment.project, **filters):
        for item in page[member]:
            if _is_tagged(environment, item[arn_member]):
                yield item


def _is_tagged(environment: Environment, arn: str) -> bool:
    tags: Sequence[TagTypeDef] = []
    with _missing_is_fine():
        tags = environment.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return environment.tags.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items()


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    """Go on when SageMaker says that there is no such thing: somebody else deleted it meanwhile."""
    try:
        yield
    except ClientError as error:
        if not error_message(error).startswith(_MISSING):
            raise


KINDS = (
    Kind("endpoint", _find_endpoints, _delete_endpoint),
    Kind("endpoint configuration", _find_endpoint_configs, _delete_endpoint_config),
    Kind("model", _find_models, _delete_model),
    Kind("running training job", _find_running_training_jobs, _stop_training_job),
)
