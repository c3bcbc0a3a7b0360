"""The workflow on the embedded AWS: deployed, changed, and what it does without an endpoint."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend import cleanup, workflow
from backend.aws import stacks
from backend.aws.environment import Environment
from backend.errors import AccessDenied, InvalidDefinition, InvalidThreshold, WorkflowNotDeployed
from backend.workflow import code, deploy
from tests import answers
from tests.projects import of_project

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
    assert described.fan_out is not None
    assert described.fan_out["StartAt"] == "WhatIsAsked"


def test_both_state_machines_have_the_projects_tag(environment: Environment, deployed: workflow.Workflow) -> None:
    names = environment.names
    for arn in (names.state_machine_arn, names.fan_out_arn):
        found = environment.stepfunctions.list_tags_for_resource(resourceArn=arn)["tags"]
        assert {"key": "scones:project", "value": environment.project} in found


def test_deploying_the_same_again_changes_nothing(environment: Environment, deployed: workflow.Workflow) -> None:
    again = workflow.deploy_workflow(environment, "no-such-endpoint", LABELS, 0.9)
    assert again.functions == deployed.functions


def test_another_threshold_is_described_with_the_rest_as_it_was(
    environment: Environment, deployed: workflow.Workflow
) -> None:
    changed = workflow.update_threshold(environment, 0.75)
    assert (changed.threshold, changed.endpoint_name, changed.labels) == (0.75, "no-such-endpoint", LABELS)
    assert changed.definition == deployed.definition


@dataclass(frozen=True)
class Stack:
    """What CloudFormation has of a stack, asked with boto3."""

    template: str
    parameters: dict[str, str]

    @classmethod
    def of(cls, project: Environment) -> Stack:
        name = project.names.workflow_stack
        [stack] = project.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return cls(
            str(project.cloudformation.get_template(StackName=name)["TemplateBody"]),
            {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]},
        )


@pytest.fixture
def project(environment: Environment) -> Iterator[Environment]:
    """A project of its own."""
    own = of_project(environment, "scones-thresholds")
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


@pytest.fixture
def changed_since(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Makes the code, the definition and the template on the disk others than those that were deployed."""

    def change() -> None:
        lambdas = shutil.copytree(code.LAMBDAS, tmp_path / "lambdas")
        templates = shutil.copytree(stacks.TEMPLATES, tmp_path / "workflow")
        for handler in lambdas.rglob("handler.py"):
            handler.write_text(handler.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        for path in (templates / "workflow.yaml", templates / "state_machine.asl.json"):
            path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        monkeypatch.setattr(code, "LAMBDAS", lambdas)
        for module in (stacks, deploy):
            monkeypatch.setattr(module, "TEMPLATES", templates)

    return change


def test_another_threshold_leaves_code_definition_template_and_all_else_as_deployed(
    project: Environment, changed_since: Callable[[], None]
) -> None:
    workflow.deploy_workflow(project, "an-older-endpoint", ("motorcycle", "bicycle"), 0.9)
    before = Stack.of(project)
    changed_since()
    workflow.update_threshold(project, 0.75)
    after = Stack.of(project)
    assert before.parameters["Threshold"] == "0.9"
    assert after == Stack(before.template, before.parameters | {"Threshold": "0.75"})


def test_deploying_again_takes_what_is_on_the_disk(project: Environment, changed_since: Callable[[], None]) -> None:
    """Against which the test above is held: the change on the disk is one that CloudFormation would see."""
    workflow.deploy_workflow(project, "an-older-endpoint", LABELS, 0.9)
    before = Stack.of(project)
    changed_since()
    workflow.deploy_workflow(project, "an-older-endpoint", LABELS, 0.75)
    after = Stack.of(project)
    assert after.template != before.template
    differing = {name for name, value in after.parameters.items() if before.parameters[name] != value}
    assert differing == {"Threshold", "DefinitionKey", "SerializeImageCode", "ClassifyImageCode", "FilterInferenceCode"}


def test_without_a_workflow_there_is_no_threshold_to_change(project: Environment) -> None:
    with pytest.raises(WorkflowNotDeployed, match="Deploy it on the workflow page"):
        workflow.update_threshold(project, 0.75)


def test_an_outage_is_not_taken_for_a_missing_workflow(project: Environment) -> None:
    with (
        answers.changed(project.cloudformation, "DescribeStacks", answers.denied),
        pytest.raises(AccessDenied, match="Not yours"),
    ):
        workflow.describe_workflow(project)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_a_threshold_that_is_no_confidence_is_refused(environment: Environment, threshold: float) -> None:
    with pytest.raises(InvalidThreshold, match="from 0 to 1"):
        workflow.deploy_workflow(environment, "no-such-endpoint", LABELS, threshold)


def test_a_missing_image_fails_under_its_own_name(environment: Environment, deployed: workflow.Workflow) -> None:
    execution = ended(environment, "uploads/missing.png")
    assert execution.outcome is workflow.Outcome.FAILED
    assert "There is no image" in str(execution.cause)
    ends = ["DescribeFailure", "NotifyFailure", "FailAsCaught"]
    assert [step.name for step in execution.visits] == ["SerializeImage", *ends]


def test_a_missing_endpoint_is_an_outage_and_no_rejection(
    environment: Environment, deployed: workflow.Workflow
) -> None:
    environment.s3.put_object(Bucket=environment.bucket, Key="uploads/one.png", Body=b"\x89PNG\r\n\x1a\n")
    execution = ended(environment, "uploads/one.png")
    assert execution.outcome is workflow.Outcome.FAILED
    assert "no-such-endpoint" in str(execution.cause)
    assert execution.verdict is None


def test_the_newest_execution_is_listed_first(environment: Environment, deployed: workflow.Workflow) -> None:
    names = [ended(environment, "uploads/missing.png").name for _ in range(2)]
    assert [execution.name for execution in workflow.list_executions(environment)[:2]] == names[::-1]


def test_an_executions_name_can_be_an_inference_id(environment: Environment, deployed: workflow.Workflow) -> None:
    name = workflow.submit_image(environment, f"uploads/{'ü' * 40} {'x' * 60}.png")
    assert len(name) <= 64  # InvokeEndpoint's limit for InferenceId
    assert name.isascii()


def test_without_a_stack_there_is_no_workflow(environment: Environment) -> None:
    workflow.delete_workflow(environment)
    assert workflow.describe_workflow(environment) is None
    left = environment.stepfunctions.list_state_machines()["stateMachines"]
    assert [one["name"] for one in left if one["name"].startswith(environment.project)] == []
    with pytest.raises(WorkflowNotDeployed, match="Deploy the workflow"):
        workflow.submit_image(environment, "uploads/one.png")


def test_a_definition_that_step_functions_would_not_take_is_not_deployed(
    project: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    templates = shutil.copytree(stacks.TEMPLATES, tmp_path / "workflow")
    path = templates / "state_machine.asl.json"
    monkeypatch.setattr(deploy, "TEMPLATES", templates)
    good = path.read_text(encoding="utf-8")
    for broken, said in (
        (good.replace('"Next": "IsKnown"', '"Next": "Unheard"'), 'No state found named "Unheard"'),
        (good.replace("${TopicArn}", "${Topic}"), "placeholders that nothing fills: Topic"),
    ):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(InvalidDefinition, match=said):
            workflow.deploy_workflow(project, "no-such-endpoint", LABELS, 0.9)
    assert workflow.describe_workflow(project) is None
    assert cleanup.list_resources(project) == []
