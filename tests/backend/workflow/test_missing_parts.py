"""A workflow of which somebody deleted a part: CloudFormation does not notice, and it is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import cleanup, workflow
from backend.aws.environment import Environment
from backend.errors import NotFound
from tests.projects import of_project


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own with a workflow; whatever is left of it goes, though a part of it is gone already."""
    opened = of_project(environment, "scones-parts", tmp_path)
    workflow.deploy_workflow(opened, "no-endpoint", ("bicycle", "motorcycle"), threshold=0.9)
    yield opened
    cleanup.delete_resources(opened, cleanup.list_resources(opened))
    assert cleanup.list_resources(opened) == []


def test_a_deleted_function_is_said_to_be_missing_in_its_place(project: Environment) -> None:
    project.lambda_.delete_function(FunctionName="scones-parts-classify-image")
    deployed = workflow.describe_workflow(project)
    assert deployed is not None
    assert [function.is_missing for function in deployed.functions] == [False, True, False]
    assert deployed.functions[1].name == "scones-parts-classify-image"


def test_a_deleted_state_machine_is_named_with_the_cure(project: Environment) -> None:
    project.stepfunctions.delete_state_machine(stateMachineArn=project.names.state_machine_arn)
    with pytest.raises(
        NotFound, match=r"^State machine scones-parts of the workflow was deleted\. Delete the workflow"
    ):
        workflow.describe_workflow(project)


def test_it_comes_back_as_it_is_told_to(project: Environment) -> None:
    project.lambda_.delete_function(FunctionName="scones-parts-classify-image")
    stack = [item for item in cleanup.list_resources(project) if item.kind.name == "workflow stack"]
    cleanup.delete_resources(project, stack)
    again = workflow.deploy_workflow(project, "no-endpoint", ("bicycle", "motorcycle"), threshold=0.9)
    assert [function.is_missing for function in again.functions] == [False, False, False]
