"""Executions: what the workflow made of each image, as Step Functions has it."""

from __future__ import annotations

import json

from backend import workflow
from backend.aws.environment import Environment
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, metrics, select_rows, table

PAGE = "test_images"


def test_the_executions_are_the_newest_of_the_state_machine(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Execution")
    names = list(cloud.execution_arns(populated))[:50]
    assert sorted(shown["Execution"]) == sorted(names)
    for position, name in enumerate(shown["Execution"]):
        verdict = cloud.execution(populated, name)["verdict"]
        assert shown["Outcome"][position] == ("passed" if verdict["meets_threshold"] else "rejected")
        assert shown["Predicted"][position] == verdict["predicted_label"]
        assert shown["Confidence"][position] == verdict["confidence"]


def test_the_true_class_is_the_one_in_the_images_name(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Execution")
    for name, label in zip(shown["Execution"], shown["True class"], strict=True):
        if "_drawn_" in name:
            assert name.startswith(f"{label}_drawn_")


def test_executions_are_filtered_by_outcome(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    outcome = table(app, "Execution")["Outcome"][0]
    app.button_group(key="test_images.outcome").set_value(outcome).run()
    assert set(table(app, "Execution")["Outcome"]) == {outcome}


def test_the_newest_execution_is_shown_with_its_verdict(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    [name] = (element.value for element in app.subheader if element.value != "Executions")
    verdict = cloud.execution(populated, name)["verdict"]
    assert name == table(app, "Execution")["Execution"][0]
    assert metrics(app)["Predicted"] == verdict["predicted_label"]
    assert metrics(app)["Confidence"] == f"{verdict['confidence']:.3f}"


def test_a_row_that_is_clicked_shows_its_execution(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    select_rows(app, "Execution", 5)
    assert table(app, "Execution")["Execution"][5] in [element.value for element in app.subheader]


def test_the_states_are_those_of_the_history(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    arn = cloud.execution_arns(populated)[table(app, "Execution")["Execution"][0]]
    events = populated.stepfunctions.get_execution_history(executionArn=arn)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert table(app, "State")["State"] == entered


def test_a_state_that_is_chosen_shows_what_it_was_given(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    name = table(app, "Execution")["Execution"][0]
    app.button_group(key=f"execution.step.{name}").set_value("SerializeImage").run()
    given, _returned = (json.loads(element.value) for element in app.json)
    assert given == json.loads(cloud.execution(populated, name)["input"])


def test_a_link_opens_its_execution_and_leads_back_to_all(visit: Visit, populated: Environment) -> None:
    name = list(cloud.execution_arns(populated))[-1]
    app = visit(populated, PAGE, execution=name)
    assert name in [element.value for element in app.subheader]
    click(app, "Show all executions")
    assert table(app, "Execution")["Execution"]


def test_a_link_to_an_execution_that_is_gone_says_so(visit: Visit, populated: Environment) -> None:
    [error] = errors(visit(populated, PAGE, execution="gone"))
    assert "gone" in error


def test_an_execution_that_failed_shows_why(visit: Visit, own: Environment) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    workflow.run_batch(own, ["uploads/missing.png"])
    app = visit(own, PAGE)
    assert table(app, "Execution")["Outcome"] == ["failed"]
    assert table(app, "Execution")["Image"] == [None]  # which is gone: its cell is empty
    [arn] = cloud.execution_arns(own).values()
    described = own.stepfunctions.describe_execution(executionArn=arn)
    assert f"{described['error']}: {described['cause']}" in errors(app)
