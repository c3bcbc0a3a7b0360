"""SageMaker's part of the project: what carries its tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from backend import deployment, training
from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.aws.polling import attempts, goes_on
from backend.cleanup.resource import Found, Kind
from backend.errors import AwsRequestError
from backend.progress import Progress


def _find_endpoints(environment: Environment) -> Iterator[Found]:
    for item in _tagged(environment, "list_endpoints", "Endpoints", "EndpointArn"):
        yield Found(item["EndpointName"], f"{item['EndpointStatus']}{_machines(environment, item['EndpointName'])}")


def _machines(environment: Environment, name: str) -> str:
    """What an endpoint runs on, and that this costs; empty when that cannot be told any more."""
    endpoint = find(environment.sagemaker.describe_endpoint, EndpointName=name)
    if endpoint is None:
        return ""
    config = find(environment.sagemaker.describe_endpoint_config, EndpointConfigName=endpoint["EndpointConfigName"])
    if config is None:
        return ""
    machines = ", ".join(
        f"{item['InitialInstanceCount']} x {item['InstanceType']}" for item in config["ProductionVariants"]
    )
    return f", {machines}: on AWS billed until it is deleted, used or not"


def _delete_endpoint(environment: Environment, name: str, progress: Progress) -> None:
    deployment.delete_endpoint_and_wait(environment, name, progress)


def _find_endpoint_configs(environment: Environment) -> Iterator[Found]:
    for item in _tagged(environment, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn"):
        yield Found(item["EndpointConfigName"], f"made {item['CreationTime']:%Y-%m-%d %H:%M}")


def _delete_endpoint_config(environment: Environment, name: str, _progress: Progress) -> None:
    find(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)


def _find_models(environment: Environment) -> Iterator[Found]:
    for item in _tagged(environment, "list_models", "Models", "ModelArn"):
        yield Found(item["ModelName"], f"made {item['CreationTime']:%Y-%m-%d %H:%M}")


def _delete_model(environment: Environment, name: str, _progress: Progress) -> None:
    find(environment.sagemaker.delete_model, ModelName=name)


def _find_running_training_jobs(environment: Environment) -> Iterator[Found]:
    """Only those that run: AWS keeps the record of one that ended, for good and free of charge."""
    for status in ("InProgress", "Stopping"):
        for item in _tagged(
            environment, "list_training_jobs", "TrainingJobSummaries", "TrainingJobArn", StatusEquals=status
        ):
            yield Found(item["TrainingJobName"], f"{item['TrainingJobStatus']}: will be stopped; its record stays")


def _stop_training_job(environment: Environment, name: str, progress: Progress) -> None:
    try:
        training.stop_training(environment, name)
    except AwsRequestError:  # also when it has just ended, which is fine
        if not training.describe_training(environment, name).has_ended:
            raise
    with goes_on(f"SageMaker goes on stopping training job {name}."):
        for _ in attempts(f"Stopping training job {name}"):
            if training.describe_training(environment, name).has_ended:
                return
            progress(0.0, f"Stopping training job {name}.")


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
    answer = find(environment.sagemaker.list_tags, ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]} if answer else {}
    return environment.tags.items() <= tags.items()


KINDS = (
    Kind("endpoint", _find_endpoints, _delete_endpoint),
    Kind("endpoint configuration", _find_endpoint_configs, _delete_endpoint_config),
    Kind("model", _find_models, _delete_model),
    Kind("running training job", _find_running_training_jobs, _stop_training_job),
)
