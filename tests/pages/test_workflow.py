"""The workflow: what is deployed, as CloudFormation, Lambda and Step Functions have it, and changing it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from backend import workflow
from backend.aws.environment import Environment
from pages.shared import JobName
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, finish, links, table, texts

PAGE = "workflow"


@pytest.fixture
def changeable(populated: Environment) -> Iterator[Environment]:
    """The project; its workflow is as before when the test is over."""
    before = workflow.describe_workflow(populated)
    assert before is not None
    yield populated
    workflow.deploy_workflow(populated, before.endpoint_name, before.labels, before.threshold)


def labels(project: Environment) -> list[str]:
    """The labels that the Lambda names classes by."""
    function = project.lambda_.get_function_configuration(FunctionName=f"{project.project}-filter-inference")
    names: list[str] = json.loads(function["Environment"]["Variables"]["LABELS"])
    return names


def test_the_threshold_is_the_one_that_the_lambda_judges_by(visit: Visit, populated: Environment) -> None:
    assert visit(populated, PAGE).number_input[0].value == cloud.threshold(populated)


def test_the_functions_are_lambdas(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Function")
    assert shown["Function"] == [
        f"{populated.project}-{name}" for name in ("serialize-image", "classify-image", "filter-inference")
    ]
    for position, name in enumerate(shown["Function"]):
        function = populated.lambda_.get_function_configuration(FunctionName=name)
        figures = tuple(shown[column][position] for column in ("Runtime", "Memory, MB", "Timeout, s"))
        assert figures == (function["Runtime"], function["MemorySize"], function["Timeout"])


def test_the_definition_is_the_state_machines(visit: Visit, populated: Environment) -> None:
    arn = f"arn:aws:states:{populated.region}:{populated.account}:stateMachine:{populated.project}"
    deployed = populated.stepfunctions.describe_state_machine(stateMachineArn=arn)["definition"]
    [shown] = (element.value for element in visit(populated, PAGE).json)
    assert json.loads(shown) == json.loads(deployed)


def test_a_changed_threshold_reaches_the_lambda(visit: Visit, changeable: Environment) -> None:
    app = visit(changeable, PAGE)
    app.number_input[0].set_value(0.72).run()
    click(app, "Change threshold")
    assert finish(app, JobName.WORKFLOW).status == "succeeded"
    assert cloud.threshold(changeable) == 0.72
    assert app.number_input[0].value == 0.72
    assert [element.value for element in app.success] == ["The workflow's threshold is changed."]


def test_the_threshold_that_is_deployed_cannot_be_deployed_again(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    [button] = (button for button in app.button if button.label == "Change threshold")
    assert button.disabled


def test_other_classes_than_the_endpoints_are_told_and_updated(visit: Visit, changeable: Environment) -> None:
    workflow.deploy_workflow(changeable, changeable.names.endpoint, ("motorcycle", "bicycle"), 0.6)
    app = visit(changeable, PAGE)
    assert "The endpoint now tells apart bicycle, motorcycle." in app.warning[0].value
    click(app, "Update workflow")
    assert finish(app, JobName.WORKFLOW).status == "succeeded"
    assert labels(changeable) == ["bicycle", "motorcycle"]
    assert not app.warning


def test_the_first_deployment_makes_the_state_machine(visit: Visit, changeable: Environment) -> None:
    workflow.delete_workflow(changeable)
    app = visit(changeable, PAGE)
    assert "No workflow is deployed yet." in texts(app)
    app.number_input[0].set_value(0.8).run()
    click(app, "Deploy workflow")
    assert finish(app, JobName.WORKFLOW).status == "succeeded"
    assert cloud.threshold(changeable) == 0.8
    assert app.number_input[0].value == 0.8


def test_a_workflow_without_its_endpoint_leads_to_deployment(visit: Visit, own: Environment) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    app = visit(own, PAGE)
    assert "endpoint does not exist" in texts(app)
    assert links(app) == ["deployment"]
    assert errors(app) == []


def test_a_deleted_lambda_is_said_in_its_place(visit: Visit, own: Environment) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    deleted = f"{own.project}-classify-image"
    own.lambda_.delete_function(FunctionName=deleted)
    app = visit(own, PAGE)
    assert f"Lambda {deleted}. Delete the workflow stack on the cleanup page" in errors(app)[0]
    shown = table(app, "Function")
    assert dict(zip(shown["Function"], shown["Runtime"], strict=True))[deleted] == "deleted"
