"""A deployment that failed takes back what it made, unless the endpoint may serve from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from backend import cleanup, deployment, training
from backend.aws.environment import Environment
from backend.errors import AwsRequestError
from tests import answers

pytestmark = pytest.mark.system

OPTIONS = deployment.DeploymentOptions()


@pytest.fixture
def project(environment: Environment) -> Iterator[Environment]:
    """The project of the trained model, without anything deployed before and after."""
    _delete_deployed(environment)
    yield environment
    _delete_deployed(environment)


def _delete_deployed(project: Environment) -> None:
    kinds = {"endpoint", "endpoint configuration", "model"}
    cleanup.delete_resources(project, [item for item in cleanup.list_resources(project) if item.kind.name in kinds])


@pytest.fixture
def job(trained_job: training.TrainingJob) -> str:
    return trained_job.name


def lost(_parsed: dict[str, Any]) -> None:
    """The answer does not come: AWS has done what was asked."""
    raise ReadTimeoutError(endpoint_url="https://aws.example")


def taken(_parsed: dict[str, Any]) -> None:
    """What boto3's second attempt is told after the first was accepted and its answer lost."""
    raise ClientError({"Error": {"Code": "ValidationException", "Message": "Already exists."}}, "CreateEndpoint")


def refused(_request: dict[str, Any]) -> dict[str, Any]:
    """As AWS answers whoever lacks the permission: nothing is done."""
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "Not yours."}}, "Operation")


def made(project: Environment) -> tuple[int, int]:
    """How many endpoint configurations and models there are."""
    configs = project.sagemaker.list_endpoint_configs(NameContains=project.project)["EndpointConfigs"]
    return len(configs), len(project.sagemaker.list_models(NameContains=project.project)["Models"])


@pytest.mark.parametrize("fault", [lost, taken])
def test_an_endpoint_that_was_accepted_keeps_its_model(project: Environment, job: str, fault: answers.Change) -> None:
    with answers.changed(project.sagemaker, "CreateEndpoint", fault), pytest.raises(AwsRequestError):
        deployment.deploy_model(project, job, OPTIONS)
    assert deployment.wait_for_endpoint(project).training_job == job
    assert made(project) == (1, 1)


def test_a_change_that_was_accepted_keeps_its_model(project: Environment, job: str) -> None:
    deployment.deploy_model(project, job, OPTIONS)
    first = deployment.wait_for_endpoint(project)
    with answers.changed(project.sagemaker, "UpdateEndpoint", lost), pytest.raises(AwsRequestError):
        deployment.deploy_model(project, job, OPTIONS)
    second = deployment.wait_for_endpoint(project)
    assert second.endpoint_config != first.endpoint_config
    assert second.training_job == job
    assert made(project) == (2, 2)


def test_a_refusal_takes_back_what_was_made(project: Environment, job: str) -> None:
    with (
        answers.answered(project.sagemaker, "CreateEndpoint", refused),
        pytest.raises(AwsRequestError, match="Not yours"),
    ):
        deployment.deploy_model(project, job, OPTIONS)
    assert made(project) == (0, 0)


def test_an_outage_after_the_refusal_takes_nothing_back(project: Environment, job: str) -> None:
    asked: list[object] = []

    def out_the_second_time(_parsed: dict[str, Any]) -> None:
        asked.append(None)
        if len(asked) > 1:
            answers.unreachable(_parsed)

    with (
        answers.answered(project.sagemaker, "CreateEndpoint", refused),
        answers.changed(project.sagemaker, "DescribeEndpoint", out_the_second_time),
        pytest.raises(AwsRequestError, match="Not yours"),
    ):
        deployment.deploy_model(project, job, OPTIONS)
    assert made(project) == (1, 1)


def test_an_endpoint_goes_though_its_configuration_is_gone(project: Environment, job: str) -> None:
    deployment.deploy_model(project, job, OPTIONS)
    endpoint = deployment.wait_for_endpoint(project)
    gone = project.sagemaker.delete_endpoint_config

    def delete_before(_answer: dict[str, Any]) -> None:
        gone(EndpointConfigName=endpoint.endpoint_config)

    with answers.changed(project.sagemaker, "DeleteEndpoint", delete_before):
        deployment.delete_endpoint(project)
    assert made(project) == (0, 0)
