"""What StartExecution refuses, and answers again, as Step Functions does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

import embedded_aws
from backend.aws.environment import Environment

ROLE_ARN = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(scope="module")
def machine(environment: Environment) -> Iterator[str]:
    """The ARN of a state machine whose executions wait for a minute."""
    states = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}
    definition = json.dumps({"StartAt": "Wait", "States": states})
    created = environment.stepfunctions.create_state_machine(
        name=f"waits-{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE_ARN
    )
    yield created["stateMachineArn"]
    environment.stepfunctions.delete_state_machine(stateMachineArn=created["stateMachineArn"])


@pytest.mark.parametrize("name", ["with space", "a/b", "a:b", "a<b", "a\u0007b", "a*", 'a"b', "a#b", "a,b", "a;b"])
def test_a_name_with_characters_of_no_name_is_refused(environment: Environment, machine: str, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidName"):
        environment.stepfunctions.start_execution(stateMachineArn=machine, name=name)


def test_a_name_may_have_80_characters(environment: Environment, machine: str) -> None:
    name = uuid.uuid4().hex + "x" * 48
    assert environment.stepfunctions.start_execution(stateMachineArn=machine, name=name)["executionArn"].endswith(name)
    with pytest.raises(ClientError, match="less than or equal to 80"):
        environment.stepfunctions.start_execution(stateMachineArn=machine, name=f"{name}x")


@pytest.mark.parametrize("name", ["ü-名前", "a.b_c-d", "a=b+c!(d)'@"])
def test_other_characters_are_fine(environment: Environment, machine: str, name: str) -> None:
    name = f"{name}-{uuid.uuid4().hex[:8]}"
    assert name in environment.stepfunctions.start_execution(stateMachineArn=machine, name=name)["executionArn"]


@pytest.mark.parametrize("content", ["", "not json", "{"])
def test_input_that_is_no_json_is_refused(environment: Environment, machine: str, content: str) -> None:
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        environment.stepfunctions.start_execution(stateMachineArn=machine, input=content)


def test_input_may_have_256_kib(environment: Environment, machine: str) -> None:
    most = json.dumps("x" * (262_144 - 2))
    environment.stepfunctions.start_execution(stateMachineArn=machine, input=most)
    with pytest.raises(ClientError, match="less than or equal to 262144"):
        environment.stepfunctions.start_execution(stateMachineArn=machine, input=most[:-1] + 'x"')


def test_the_same_again_while_it_runs_answers_the_same(environment: Environment, machine: str) -> None:
    request = {"stateMachineArn": machine, "name": uuid.uuid4().hex, "input": '{"a": 1}'}
    first = environment.stepfunctions.start_execution(**request)
    again = environment.stepfunctions.start_execution(**request)
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        environment.stepfunctions.start_execution(**request | {"input": '{"a": 2}'})
    environment.stepfunctions.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        environment.stepfunctions.start_execution(**request)


def test_an_express_execution_is_awaited_with_the_printed_variables(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 puts `sync-` before the host of StartSyncExecution unless it is told not to."""
    for name, value in embedded_aws.start(environment.settings.state_dir).variables().items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("stepfunctions")
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    machine = client.create_state_machine(
        name=f"express-{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE_ARN, type="EXPRESS"
    )["stateMachineArn"]
    answer = client.start_sync_execution(stateMachineArn=machine, input='{"a": 1}')
    client.delete_state_machine(stateMachineArn=machine)
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", '{"a": 1}')
