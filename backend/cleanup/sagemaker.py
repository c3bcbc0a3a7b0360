"""SageMaker's part of the project: what carries its tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from backend import training
from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.aws.polling import attempts, goes_on
from backend.cleanup.resource import Found, Kind, User
from backend.deployment.endpoint import CHANGING, find_endpoint
from backend.deployment.serving import delete_settled_endpoint
from backend.errors import AwsRequestError
from backend.progress import Progress
from backend.training.jobs import dataset_id_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


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
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    machines = ", ".join(f"{item['InitialInstanceCount']} x {item['InstanceType']}" for item in variants)
    return f", {machines}: on AWS billed until it is deleted, used or not"


def _find_endpoint_configs(environment: Environment) -> Iterator[Found]:
    for item in _tagged(environment, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn"):
        yield Found(item["EndpointConfigName"], f"made {item['CreationTime']:%Y-%m-%d %H:%M}")


def _delete_endpoint_config(environment: Environment, name: str, _progress: Progress) -> None:
    find(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)


def _is_endpoint_config_needed(user: User, name: str) -> bool:
    return user.needs_any or name in user.endpoint_configs


def _find_models(environment: Environment) -> Iterator[Found]:
    for item in _tagged(environment, "list_models", "Models", "ModelArn"):
        yield Found(item["ModelName"], f"made {item['CreationTime']:%Y-%m-%d %H:%M}")


def _delete_model(environment: Environment, name: str, _progress: Progress) -> None:
    find(environment.sagemaker.delete_model, ModelName=name)


def _is_model_needed(user: User, name: str) -> bool:
    return user.needs_any or name in user.models


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


def find_endpoint_users(environment: Environment) -> Iterator[User]:
    """The endpoints, with the configuration, the models and the artifacts that each serves from."""
    for item in _tagged(environment, "list_endpoints", "Endpoints", "EndpointArn"):
        name = item["EndpointName"]
        if endpoint := find_endpoint(environment, name):
            yield _endpoint_user(environment, endpoint)


def _endpoint_user(environment: Environment, endpoint: DescribeEndpointOutputTypeDef) -> User:
    name = endpoint["EndpointConfigName"]
    config = find(environment.sagemaker.describe_endpoint_config, EndpointConfigName=name)
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])] if config else []
    is_updating = endpoint["EndpointStatus"] in CHANGING - {"Creating"}  # from another one, which it does not tell
    return User(
        f"endpoint {endpoint['EndpointName']}",
        needs_any=config is None or is_updating,
        endpoint_configs=frozenset({name}),
        models=frozenset(variant["ModelName"] for variant in variants if "ModelName" in variant),
        needs_artifacts=True,
    )


def find_training_users(environment: Environment) -> Iterator[User]:
    """The training jobs that run, each with the dataset that it reads; it writes where the artifacts are."""
    for found in _find_running_training_jobs(environment):
        job = find(environment.sagemaker.describe_training_job, TrainingJobName=found.name)
        dataset_id = dataset_id_of(job) if job else None
        datasets = frozenset({dataset_id} if dataset_id else ())
        yield User(f"training job {found.name}", datasets=datasets, needs_artifacts=True)


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
    Kind("endpoint", _find_endpoints, delete_settled_endpoint),
    Kind(
        "endpoint configuration",
        _find_endpoint_configs,
        _delete_endpoint_config,
        _is_endpoint_config_needed,
    ),
    Kind("model", _find_models, _delete_model, _is_model_needed),
    Kind("running training job", _find_running_training_jobs, _stop_training_job),
)
