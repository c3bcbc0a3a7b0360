"""Executions: what the workflow made of each image, as Step Functions has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend import pipeline, workflow
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.monitoring import labels
from tests import answers
from tests.backend.workflow.quick_machine import VERDICT, stop_running
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, metrics, select_rows, table, texts

PAGE = "test_images"
DEFINITION = {
    "StartAt": "Decide",
    "States": {
        "Decide": {
            "Type": "Choice",
            "Choices": [
                {"And": [{"Variable": "$.fail", "IsPresent": True}], "Next": "Fail"},
                {"Variable": "$.wait", "IsPresent": True, "Next": "Wait"},
            ],
            "Default": "Return <b>it</b>",
        },
        "Wait": {"Type": "Wait", "Seconds": 600, "Next": "Return <b>it</b>"},
        "Fail": {"Type": "Fail", "ErrorPath": "$.fail", "CausePath": "$.cause"},
        "Return <b>it</b>": {"Type": "Pass", "End": True},
    },
}
"""Returns what it was given, fails with it, or waits: what somebody may make of the workflow's state machine."""


def test_the_executions_are_the_newest_of_the_state_machine(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Execution")
    names = list(cloud.execution_arns(populated))[:50]
    assert sorted(shown["Execution"]) == sorted(names)
    for position, name in enumerate(shown["Execution"]):
        if shown["Outcome"][position] == "failed":  # of a test before this one
            assert name.startswith("not-there")
            continue
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


def figures_of(app: AppTest) -> str:
    [caption] = (text for text in texts(app).splitlines() if text.startswith("These figures are of"))
    return caption.partition(";")[0]


def test_figures_are_of_what_is_filtered_and_say_so(visit: Visit, populated: Environment) -> None:
    names = list(cloud.execution_arns(populated))
    part = names[0][-6:]
    app = visit(populated, PAGE)
    assert metrics(app)["Executions"] == str(len(names))
    assert figures_of(app) == f"These figures are of all {len(names)} executions"
    app.text_input(key="test_images.filter.name").set_value(part.upper()).run()
    assert table(app, "Execution")["Execution"] == [names[0]]
    assert metrics(app)["Executions"] == "1"
    assert figures_of(app) == f"These figures are of the 1 of {len(names)} executions that are filtered"
    app.text_input(key="test_images.filter.name").set_value("no-such-name").run()
    assert [element.value for element in app.info] == ["No execution meets these filters."]
    assert metrics(app)["Pass rate"] == "-"


def test_executions_are_filtered_by_class_status_and_time(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    label = table(app, "Execution")["Predicted"][0]
    app.selectbox(key="test_images.filter.label").set_value(label).run()
    assert set(table(app, "Execution")["Predicted"]) == {label}
    app.selectbox(key="test_images.filter.status").set_value("RUNNING").run()
    assert [element.value for element in app.info] == ["No execution meets these filters."]
    app = visit(populated, PAGE)
    app.selectbox(key="test_images.filter.time").set_value("From, to").run()
    app.datetime_input(key="test_images.filter.to").set_value(datetime(2020, 1, 1)).run()
    assert [element.value for element in app.info] == ["No execution meets these filters."]
    app.datetime_input(key="test_images.filter.to").set_value(None).run()
    assert table(app, "Execution")["Execution"]


def test_every_execution_is_on_a_page(visit: Visit, populated: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.test_images.executions._PAGE", 3)
    app = visit(populated, PAGE)
    names = list(cloud.execution_arns(populated))
    shown: list[str] = []
    for number in range(-(-len(names) // 3)):
        app.session_state["test_images.executions.page"] = number + 1
        app.run()
        shown += table(app, "Execution")["Execution"]
    assert sorted(shown) == sorted(names)
    monkeypatch.setattr("pages.test_images.executions._PAGE", 2)
    app.text_input(key="test_images.filter.name").set_value("bicycle").run()
    assert not app.exception
    assert len(table(app, "Execution")["Execution"]) == 2  # of the first page: there are fewer of these


def test_the_newest_execution_is_shown_with_its_verdict(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    [name] = (element.value for element in app.subheader)
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
    app.button_group(key=f"chosen.step.{name}").set_value("SerializeImage").run()
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
    key = "`s3://scones-own"  # what Markdown might act on is code
    said = [text.replace("`", "") for text in errors(app) if key in text]
    assert f"{described['error']}: {described['cause']}" in said
    assert "There is no image s3://scones-own" in described["cause"]


def start(project: Environment, name: str, content: str) -> str:
    """Start an execution as anybody with boto3 does; returns its name."""
    arn = project.names.state_machine_arn
    project.stepfunctions.start_execution(stateMachineArn=arn, name=name, input=content)
    return name


def wait(project: Environment, name: str) -> dict[str, Any]:
    """What DescribeExecution says once an execution has ended."""
    arn = project.names.execution_arn(name)
    for _ in attempts(f"Execution {name}"):
        described: dict[str, Any] = dict(project.stepfunctions.describe_execution(executionArn=arn))
        if described["status"] != "RUNNING":
            break
    return described


def check_shown(visit: Visit, project: Environment, names: list[str]) -> None:
    """Every page that lists executions does so, and each execution has a page that is drawn whole."""
    app = visit(project, PAGE)
    assert sorted(table(app, "Execution")["Execution"]) == sorted(names)
    check_whole(app)
    assert "Newest executions: " in texts(visit(project, "overview"))
    for name in names:
        app = visit(project, PAGE, execution=name)
        assert table(app, "State")["State"]
        check_whole(app)


def check_whole(app: AppTest) -> None:
    assert not [text for text in errors(app) if "could not be drawn" in text or "could not be reached" in text]


@pytest.mark.parametrize(
    "contents",
    [
        ["[]", '"x"', "17", "null", "{}", json.dumps({"image_data": "", "s3_bucket": 7, "s3_key": ["a"]})],
        ["[" * 400 + "]" * 400, json.dumps(list(range(35_000))), '{"**a**": "\\ud800<script>", "b": "\\u0000"}'],
    ],
)
def test_executions_that_were_started_elsewhere_with_anything_are_shown(
    visit: Visit, own: Environment, contents: list[str]
) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    names = [start(own, f"__foreign__{number}", content) for number, content in enumerate(contents)]
    assert {wait(own, name)["status"] for name in names} == {"FAILED"}
    check_shown(visit, own, names)


@pytest.fixture
def echo(own: Environment) -> Iterator[Environment]:
    """A project whose state machine somebody changed: its executions end with what they were given."""
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    own.stepfunctions.update_state_machine(
        stateMachineArn=own.names.state_machine_arn, definition=json.dumps(DEFINITION)
    )
    yield own
    stop_running(own, own.names.state_machine_arn)


def test_executions_that_ended_with_anything_are_shown(visit: Visit, echo: Environment) -> None:
    contents = [
        VERDICT,
        VERDICT | {"confidence": "0.9"},
        VERDICT | {"probabilities": [None]},
        VERDICT | {"predicted_label": "[win](https://e.example) <b>"},
        {"fail": workflow.REJECTED, "cause": "**no** JSON"},
        {"fail": workflow.REJECTED, "cause": json.dumps(VERDICT)},
        {"fail": "<img src=x>", "cause": "[click](https://e.example)\u0007"},
        {"s3_bucket": echo.bucket, "s3_key": "../\u0000?#%"},
        {"s3_bucket": echo.bucket, "s3_key": ""},
    ]
    names = [start(echo, f"foreign-{number}", json.dumps(content)) for number, content in enumerate(contents)]
    for name in names:
        wait(echo, name)
    names.append(start(echo, "stopped", '{"wait": 1}'))
    arn = echo.names.execution_arn("stopped")
    echo.stepfunctions.stop_execution(executionArn=arn, error=workflow.REJECTED, cause="*enough*")
    names.append(start(echo, "running", '{"wait": 1}'))
    check_shown(visit, echo, names)
    shown = table(visit(echo, PAGE), "Execution")
    outcomes = dict(zip(shown["Execution"], shown["Outcome"], strict=True))
    assert [outcomes[name] for name in names] == (
        ["passed"] * 4 + ["rejected"] * 2 + ["failed"] + ["passed"] * 2 + ["stopped", "running"]
    )
    assert "<img src=x>: [click](https://e.example)\u2407" in errors_as_text(visit(echo, PAGE, execution="foreign-6"))
    assert metrics(visit(echo, PAGE, execution="foreign-3"))["Predicted"] == "`[win](https://e.example)` `<b>`"


def test_an_execution_that_runs_is_stopped_from_the_page(visit: Visit, echo: Environment) -> None:
    start(echo, "running", '{"wait": 1}')
    app = visit(echo, PAGE, execution="running")
    assert [text for text in (element.value for element in app.info) if text.startswith("Running for ")]
    click(app, "Stop")
    described = wait(echo, "running")
    assert (described["status"], described["cause"]) == ("ABORTED", "Stopped by a person, on the Test images page.")
    app.run()
    assert [element.value for element in app.warning] == ["Stopped by a person, on the Test images page."]
    assert table(app, "State")["Status"] == ["succeeded", "stopped"]
    assert "Stop" not in [button.label for button in app.button]


def test_an_execution_that_took_too_long_says_so(visit: Visit, echo: Environment) -> None:
    echo.stepfunctions.update_state_machine(
        stateMachineArn=echo.names.state_machine_arn, definition=json.dumps(DEFINITION | {"TimeoutSeconds": 1})
    )
    start(echo, "late", '{"wait": 1}')
    assert wait(echo, "late")["status"] == "TIMED_OUT"
    app = visit(echo, PAGE, execution="late")
    assert [text for text in errors(app) if "longer than the 1 second" in text or "States.Timeout" in text]
    assert table(app, "State")["Status"] == ["succeeded", "failed"]


def test_the_events_are_those_of_the_history(visit: Visit, populated: Environment) -> None:
    name, arn = next(iter(cloud.execution_arns(populated).items()))
    events = populated.stepfunctions.get_execution_history(executionArn=arn)["events"]
    shown = table(visit(populated, PAGE, execution=name), "Of state")
    assert shown["Type"] == [event["type"] for event in events]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert list(dict.fromkeys(state for state in shown["Of state"] if isinstance(state, str))) == entered


def test_on_aws_an_execution_leads_to_the_console(visit: Visit, populated: Environment) -> None:
    name, arn = next(iter(cloud.execution_arns(populated).items()))
    assert not visit(populated, PAGE, execution=name).get("link_button")
    on_aws = replace(populated, has_console=True)
    [link] = visit(on_aws, PAGE, execution=name).get("link_button")
    assert link.proto.url == (
        f"https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/{arn}"
    )


def errors_as_text(app: AppTest) -> list[str]:
    """The errors on a page without the marks of code, in which nothing is acted on; each word of these is code."""
    return [" ".join(word.strip("`") for word in text.split()) for text in errors(app)]


def test_an_address_that_holds_a_link_shows_none(visit: Visit, populated: Environment) -> None:
    [error] = errors(visit(populated, PAGE, execution="[here](https://e.example)"))
    assert error == "There is no execution of this name. Choose one from the list of executions."


@pytest.mark.parametrize(
    "name", ["n" * 65, "ü-名前", *(pytest.param("n" * length, marks=pytest.mark.slow) for length in (64, 80))]
)
def test_a_name_of_any_kind_is_joined_with_its_captured_record(visit: Visit, populated: Environment, name: str) -> None:
    key = min(cloud.keys_of_test_images(populated))
    start(populated, name, json.dumps({"image_data": "", "s3_bucket": populated.bucket, "s3_key": key}))
    described = wait(populated, name)
    assert described.get("error") in (None, workflow.REJECTED)
    identifier = cloud.execution(populated, name)["verdict"]["inference_id"]
    [record] = pipeline.wait_for_captures(populated, [identifier])
    assert identifier in [captured.inference_id for captured in cloud.captured(populated)]
    with answers.changed(populated.stepfunctions, "DescribeExecution", answers.denied):
        assert labels.keys_by_inference(populated, [identifier]) == {identifier: key}

    app = visit(populated, "monitoring")
    app.session_state["monitoring.record"] = record["record_id"]
    app.run()
    assert metrics(app)["True class"] == "bicycle"
    assert "test_images" in [link.page for link in app.page_link]
    app = visit(populated, PAGE, execution=identifier)
    assert name in [element.value for element in app.subheader]
    check_whole(app)
