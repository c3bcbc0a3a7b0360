"""The workflow on the embedded AWS: deployed, changed, and what it does without an endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from backend import workflow
from backend.aws.environment import Environment
from backend.errors import InvalidThreshold, WorkflowNotDeployed

LABELS = ("bicycle", "motorcycle")


@pytest.fixture(scope="module")
def deployed(environment: Environment) -> Iterator[workflow.Workflow]:
    yield workflow.deploy_workflow(environment, "no-such-endpoint", LABELS, 0.9)
    workflow.delete_workflow(environment)


def ended(environment: Environment, key: str) -> workflow.Execution:
    name = workflow.submit_image(environment, key)
    while not (execution := workflow.describe_execution(environment, name)).has_ended:
        time.sleep(0.1)
    return execution


def test_it_is_described_as_it_was_deployed(environment: Environment, deployed: workflow.Workflow) -> None:
    described = workflow.describe_workflow(environment)
    assert described is not None
    assert (described.threshold, described.endpoint_name, described.labels) == (0.9, "no-such-endpoint", LABELS)
    assert len(described.functions) == 3
    assert described.definition["StartAt"] == "SerializeImage"


def test_deploying_the_same_again_changes_nothing(environment: Environment, deployed: workflow.Workflow) -> None:
    again = workflow.deploy_workflow(environment, "no-such-endpoint", LABELS, 0.9)
    assert again.functions == deployed.functions


def test_another_threshold_leaves_the_rest_as_it_is(environment: Environment, deployed: workflow.Workflow) -> None:
    changed = workflow.update_threshold(environment, 0.75)
    assert (changed.threshold, changed.endpoint_name, changed.labels) == (0.75, "no-such-endpoint", LABELS)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_a_threshold_that_is_no_confidence_is_refused(environment: Environment, threshold: float) -> None:
    with pytest.raises(InvalidThreshold, match="from 0 to 1"):
        workflow.deploy_workflow(environment, "no-such-endpoint", LABELS, threshold)


def test_a_missing_image_fails_under_its_own_name(environment: Environment, deployed: workflow.Workflow) -> None:
    execution = ended(environment, "uploads/missing.png")
    assert execution.outcome is workflow.Outcome.FAILED
    assert "There is no image" in str(execution.cause)
    assert [step.name for step in execution.visits] == ["SerializeImage", "NotifyFailure", "FailAsCaught"]


def test_a_missing_endpoint_is_an_outage_and_no_rejection(
    environment: Environment, deployed: workflow.Workflow
) -> None:
    environment.s3.put_object(Bucket=environment.bucket, Key="uploads/one.png", Body=b"\x89PNG\r\n\x1a\n")
    execution = ended(environment, "uploads/one.png")
    assert execution.outcome is workflow.Outcome.FAILED
    assert "no-such-endpoint" in str(execution.cause)
    assert execution.verdict is None


def test_the_newest_execution_is_listed_first(environment: Environment, deployed: workflow.Workflow) -> None:
    execution = ended(environment, "uploads/missing.png")
    assert workflow.list_executions(environment)[0].name == execution.name


def test_an_executions_name_can_be_an_inference_id(environment: Environment, deployed: workflow.Workflow) -> None:
    name = workflow.submit_image(environment, f"uploads/{'ü' * 40} {'x' * 60}.png")
    assert len(name) <= 64  # InvokeEndpoint's limit for InferenceId
    assert name.isascii()


def test_without_a_stack_there_is_no_workflow(environment: Environment) -> None:
    workflow.delete_workflow(environment)
    assert workflow.describe_workflow(environment) is None
    with pytest.raises(WorkflowNotDeployed, match="Deploy the workflow"):
        workflow.submit_image(environment, "uploads/one.png")
