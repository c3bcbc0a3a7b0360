"""The state machine's definition: complete and connected. (The templates are held against cfn-lint by `make lint`.)"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backend.workflow import NOT_A_KNOWN_CLASS, REJECTED

WORKFLOW = Path(__file__).parents[3] / "workflow"
DEFINITION: dict[str, Any] = json.loads((WORKFLOW / "state_machine.asl.json").read_text(encoding="utf-8"))
STATES: dict[str, Any] = DEFINITION["States"]


def targets(state: dict[str, Any]) -> Iterator[str]:
    yield from (state[name] for name in ("Next", "Default") if name in state)
    yield from (branch["Next"] for branch in (*state.get("Choices", []), *state.get("Catch", [])))


@pytest.mark.parametrize("name", STATES)
def test_every_transition_leads_to_a_state(name: str) -> None:
    assert set(targets(STATES[name])) <= STATES.keys()


def test_every_state_is_reached() -> None:
    reached, pending = set(), [DEFINITION["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(targets(STATES[name]))
    assert reached == STATES.keys()


@pytest.mark.parametrize("name", STATES)
def test_only_ends_lead_nowhere(name: str) -> None:
    is_end = STATES[name]["Type"] in {"Succeed", "Fail"}
    assert is_end == (not list(targets(STATES[name])))


@pytest.mark.parametrize(("error", "name"), [(REJECTED, "Reject"), (NOT_A_KNOWN_CLASS, "RejectUnknown")])
def test_a_rejection_ends_in_its_own_error_and_no_other_state_does(error: str, name: str) -> None:
    assert [other for other, state in STATES.items() if state.get("Error") == error] == [name]


def test_the_class_is_looked_at_before_the_confidence() -> None:
    assert STATES["FilterInference"]["Next"] == "IsKnown"
    assert [name for name, state in STATES.items() if "IsConfident" in targets(state)] == ["IsKnown"]


def test_every_notification_says_what_happened_in_words_of_its_own() -> None:
    """Source: SNS API reference, Publish: a subject is ASCII of less than 100 characters."""
    subjects = [state["Parameters"]["Subject"] for state in STATES.values() if "Subject" in state.get("Parameters", {})]
    assert len(set(subjects)) == len(subjects) == 3
    assert all(subject.isascii() and len(subject) < 100 for subject in subjects)


def test_no_catch_leads_to_a_rejection() -> None:
    for name in ("SerializeImage", "ClassifyImage", "FilterInference"):
        assert all(catcher["Next"] == "DescribeFailure" for catcher in STATES[name]["Catch"])


def test_every_placeholder_is_filled_by_the_template() -> None:
    template = (WORKFLOW / "workflow.yaml").read_text(encoding="utf-8")
    text = json.dumps(DEFINITION)
    for name in ("Partition", "SerializeImageArn", "ClassifyImageArn", "FilterInferenceArn", "TopicArn"):
        assert f"${{{name}}}" in text
        assert f"        {name}: " in template
    assert text.count("${") == 12  # the topic is used three times, the partition six


def complaints(definition: dict[str, Any]) -> list[str]:
    """What cfn-lint says of a definition, whose placeholders it would not take where an ARN has to be."""
    api = pytest.importorskip("cfnlint.api", reason="needs cfn-lint: `make lint` installs it")
    text = json.dumps(definition).replace("${Partition}", "aws")
    filled = json.loads(re.sub(r"\$\{\w+\}", "arn:aws:lambda:us-east-1:123456789012:function:any", text))
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/any", "Definition": filled}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return [str(match) for match in api.lint(json.dumps({"Resources": {"Machine": machine}}), regions=["us-east-1"])]


def test_the_definition_is_valid_in_amazon_states_language() -> None:
    assert complaints(DEFINITION) == []
    assert complaints(json.loads((WORKFLOW / "fan_out.asl.json").read_text(encoding="utf-8"))) == []
    pass_on = {**STATES["PassOn"], "Next": "Reject"}
    assert "'Next' was unexpected" in str(complaints({**DEFINITION, "States": {**STATES, "PassOn": pass_on}}))


TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
LAMBDAS = {
    "SerializeImage": "serialize_image",
    "ClassifyImage": "classify_image",
    "FilterInference": "filter_inference",
}
SERVICE_ERRORS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
}
"""Source: Step Functions developer guide, "Handle Lambda service exceptions"."""


def test_a_task_is_of_the_accounts_own_partition() -> None:
    assert {state["Resource"].split(":")[1] for state in TASKS.values()} == {"${Partition}"}


@pytest.mark.parametrize("name", LAMBDAS)
def test_lambdas_own_trouble_is_tried_again(name: str) -> None:
    [retrier] = STATES[name]["Retry"]
    assert set(retrier["ErrorEquals"]) >= SERVICE_ERRORS


@pytest.mark.parametrize("name", TASKS)
def test_what_is_tried_again_backs_off_with_jitter(name: str) -> None:
    """Source: Amazon States Language specification, "Retrying after error"."""
    for retrier in STATES[name]["Retry"]:
        assert retrier["BackoffRate"] > 1
        assert retrier["JitterStrategy"] == "FULL"


@pytest.mark.parametrize("name", LAMBDAS)
def test_each_error_of_a_lambda_says_whether_it_is_tried_again_and_so_it_is(name: str) -> None:
    """A name in Retry that no Lambda raises helps nobody."""
    text = (WORKFLOW.parent / "lambdas" / LAMBDAS[name] / "handler.py").read_text(encoding="utf-8")
    own = dict(re.findall(r'^class (\w+)\(Exception\):\n    """(.+)"""$', text, flags=re.MULTILINE))
    retried = {error for error, meaning in own.items() if meaning.endswith("Retried.")}
    [retrier] = STATES[name]["Retry"]
    others = set(retrier["ErrorEquals"]) - SERVICE_ERRORS - {"Runtime.ExitError", "Sandbox.Timedout"}
    assert others == retried
    assert len(own) > len(retried)


def function_timeout(name: str) -> int:
    """Of the function in the template, in seconds."""
    template = (WORKFLOW / "workflow.yaml").read_text(encoding="utf-8")
    found = re.search(
        rf"^  {name}:\n    Type: AWS::Lambda::Function\n(?:    .*\n)*?      Timeout: (\d+)$", template, re.M
    )
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("name", LAMBDAS)
def test_a_function_ends_by_itself_before_its_task_does(name: str) -> None:
    """A cold start takes up to 10 seconds beside its own time (Lambda developer guide, "Init phase")."""
    assert function_timeout(name) + 10 <= STATES[name]["TimeoutSeconds"] < DEFINITION["TimeoutSeconds"]


def test_each_task_has_a_timeout() -> None:
    assert [name for name, state in TASKS.items() if "TimeoutSeconds" not in state] == []


@pytest.mark.parametrize(
    ("name", "client", "body_seconds"), [("SerializeImage", "_S3", 5), ("ClassifyImage", "_RUNTIME", 0)]
)
def test_a_function_outlives_all_that_its_client_may_wait(
    load_handler: Callable[[str], ModuleType], name: str, client: str, body_seconds: int
) -> None:
    """Else nobody knows what a cut off invocation did. Pauses of botocore: at most 2**n seconds, and 20."""
    config = getattr(load_handler(LAMBDAS[name]), client).meta.config
    tries = config.retries["total_max_attempts"]
    pauses = sum(min(2**number, 20) for number in range(tries - 1))
    assert tries * (config.connect_timeout + config.read_timeout) + pauses + body_seconds < function_timeout(name)


def test_an_image_is_asked_about_once_and_for_as_long_as_a_model_may_take(
    load_handler: Callable[[str], ModuleType],
) -> None:
    """60 seconds: SageMaker developer guide, "How your container should respond to inference requests"."""
    config = load_handler("classify_image")._RUNTIME.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 60
    assert not {"AnswerLost", "Sandbox.Timedout", "States.Timeout"} & set(
        STATES["ClassifyImage"]["Retry"][0]["ErrorEquals"]
    )


def test_no_role_may_do_something_to_everything_nor_in_one_partition_alone() -> None:
    template = (WORKFLOW / "workflow.yaml").read_text(encoding="utf-8")
    assert re.findall(r"Resource: [\"'\[]*\*", template) == []
    arns = re.findall(r"arn:\S+", template)
    assert arns
    assert [arn for arn in arns if not arn.startswith("arn:${AWS::Partition}:")] == []
