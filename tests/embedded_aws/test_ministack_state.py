"""What MiniStack acknowledged survives kill -9, whatever state its files are in."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from tests.embedded_aws.sagemaker.scripted import wait_until

pytestmark = pytest.mark.system

ROLE = "arn:aws:iam::000000000000:role/any"
AT_ONCE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
TEMPLATE = """
Parameters: {Threshold: {Type: String}}
Resources:
  Kept: {Type: AWS::SSM::Parameter, Properties: {Name: kept, Type: String, Value: !Ref Threshold}}
"""
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "ssm": lambda content: content[: len(content) // 2],
    "sqs": lambda content: bytes(len(content)),
    "sns": lambda _content: b"",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """One for all whose MiniStack is killed at most: it is there again, and each test has names of its own."""
    with closing(opened(tmp_path_factory.mktemp("state"))) as environment:
        yield environment


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Environment]:
    """One for a test that ends it."""
    with closing(opened(tmp_path)) as environment:
        yield environment


def opened(folder: Path) -> Environment:
    return open_environment(Settings(environment="embedded", state_dir=folder, project="scones-state"))


def state_of(app: Environment) -> Path:
    return app.settings.state_dir / "aws" / "ministack" / "state"


def kill(app: Environment) -> None:
    """Kill MiniStack, and wait until there is another one."""
    lock = app.settings.state_dir / "aws" / "ministack.lock"
    pid = lock.read_text()
    os.kill(int(pid), signal.SIGKILL)
    app.s3.list_buckets()
    assert lock.read_text() not in ("", pid)


def machine(app: Environment, name: str, definition: dict[str, Any]) -> str:
    answer = app.stepfunctions.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
    return answer["stateMachineArn"]


def saved(app: Environment, service: str, text: str) -> None:
    """Wait until a service's file has a text."""
    path = state_of(app) / f"{service}.json"
    wait_until(lambda: path.exists() and text in path.read_text())


def test_no_execution_that_was_acknowledged_is_lost(app: Environment) -> None:
    arn = machine(app, "acknowledged", AT_ONCE)
    saved(app, "stepfunctions", "acknowledged")
    started = {app.stepfunctions.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(40)}
    kill(app)
    listed = app.stepfunctions.list_executions(stateMachineArn=arn)["executions"]
    assert {execution["executionArn"] for execution in listed} == started


def test_an_execution_that_was_seen_to_end_stays_as_it_ended(app: Environment) -> None:
    arn = machine(app, "seen-to-end", AT_ONCE)
    saved(app, "stepfunctions", "seen-to-end")
    for _round in range(3):
        execution = app.stepfunctions.start_execution(stateMachineArn=arn, input='{"a": 1}')["executionArn"]
        while app.stepfunctions.describe_execution(executionArn=execution)["status"] == "RUNNING":
            pass
        kill(app)
        found = app.stepfunctions.describe_execution(executionArn=execution)
        assert (found["status"], found["output"]) == ("SUCCEEDED", '{"a": 1}')


def test_an_execution_that_ran_is_said_to_have_been_interrupted(app: Environment) -> None:
    arn = machine(app, "waiting", WAITING)
    saved(app, "stepfunctions", "waiting")
    execution = app.stepfunctions.start_execution(stateMachineArn=arn)["executionArn"]
    kill(app)
    found = app.stepfunctions.describe_execution(executionArn=execution)
    assert (found["status"], found["error"]) == ("FAILED", "States.ServiceRestart")
    assert "it was interrupted" in found["cause"]
    last = app.stepfunctions.get_execution_history(executionArn=execution)["events"][-1]
    assert "it was interrupted" in last["executionFailedEventDetails"]["cause"]
    kill(app)
    assert app.stepfunctions.describe_execution(executionArn=execution)["stopDate"] == found["stopDate"]


def test_what_an_ended_execution_went_through_is_told_whenever_it_is_asked_for(app: Environment) -> None:
    arn = machine(app, "told", AT_ONCE)
    saved(app, "stepfunctions", "told")
    execution = app.stepfunctions.start_execution(stateMachineArn=arn, input='{"a": 1}')["executionArn"]
    wait_until(lambda: app.stepfunctions.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    told = [history(app, execution)]
    settled(state_of(app) / "executions.sqlite")
    told.append(history(app, execution))
    kill(app)
    told.append(history(app, execution))
    types = ["ExecutionStarted", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded"]
    assert [[event["type"] for event in events] for events in told] == [types, types, types]
    assert told[0] == told[1] == told[2]


def history(app: Environment, execution: str) -> list[Any]:
    return list(app.stepfunctions.get_execution_history(executionArn=execution)["events"])


def test_a_stopped_execution_stays_as_it_was_stopped(app: Environment) -> None:
    """Also when its state goes on for a while, and ends when the execution is long final on the disk."""
    states = {"Wait": {"Type": "Wait", "Seconds": 4, "Next": "Done"}, "Done": {"Type": "Succeed"}}
    soon = {"StartAt": "Wait", "States": states}
    execution = app.stepfunctions.start_execution(stateMachineArn=machine(app, "soon", soon))["executionArn"]
    app.stepfunctions.stop_execution(executionArn=execution)
    before = history(app, execution)
    after = app.stepfunctions.start_execution(stateMachineArn=machine(app, "same", soon))["executionArn"]
    wait_until(lambda: app.stepfunctions.describe_execution(executionArn=after)["status"] == "SUCCEEDED")
    assert app.stepfunctions.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert history(app, execution) == before


def test_executions_go_with_their_state_machine(app: Environment) -> None:
    journal = state_of(app) / "executions.sqlite"
    before = rows(journal)
    arn = machine(app, "deleted", AT_ONCE)
    app.stepfunctions.start_execution(stateMachineArn=arn)
    wait_until(lambda: rows(journal) == before + 1)
    app.stepfunctions.delete_state_machine(stateMachineArn=arn)
    machine(app, "deleted", AT_ONCE)
    wait_until(lambda: rows(journal) == before)


def rows(journal: Path) -> int:
    with closing(sqlite3.connect(journal)) as database:
        return int(database.execute("SELECT count(*) FROM executions").fetchone()[0])


def test_what_is_written_does_not_grow_with_what_is_there(app: Environment) -> None:
    """A save of one more execution writes none of the others again."""
    journal = state_of(app) / "executions.sqlite"
    there = rows(journal)
    arn = machine(app, "large", AT_ONCE)
    large = json.dumps({"image": os.urandom(60_000).hex()})
    for _ in range(60):
        app.stepfunctions.start_execution(stateMachineArn=arn, input=large)
    wait_until(lambda: rows(journal) == there + 60)
    wait_until(lambda: not app.stepfunctions.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])
    settled(journal)
    before = written_by(app)
    app.stepfunctions.start_execution(stateMachineArn=arn)
    wait_until(lambda: rows(journal) == there + 61)
    settled(journal)
    assert written_by(app) - before < 2_000_000  # all of them have 7 MB and more


def settled(journal: Path) -> None:
    """Wait until the journal's log has not grown for longer than a save takes."""
    log = journal.with_name(journal.name + "-wal")
    deadline = time.monotonic() + 1.5
    size = log.stat().st_mtime_ns
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if (now := log.stat().st_mtime_ns) != size:
            size, deadline = now, time.monotonic() + 1.5


def written_by(app: Environment) -> int:
    pid = (app.settings.state_dir / "aws" / "ministack.lock").read_text()
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["wchar"])


@pytest.mark.parametrize("rounds", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_a_stack_has_the_parameters_that_were_seen_to_be_deployed(app: Environment, rounds: int) -> None:
    create(app, "0")
    for round_number in range(1, rounds + 1):
        wanted = str(round_number)
        app.cloudformation.update_stack(StackName="s", TemplateBody=TEMPLATE, Parameters=threshold(wanted))
        app.cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
        kill(app)
        assert described(app) == ("UPDATE_COMPLETE", wanted)
        assert parameter(app) == wanted


@pytest.mark.parametrize("rounds", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_stack_whose_change_was_interrupted_is_as_it_was_and_says_so(app: Environment, rounds: int) -> None:
    create(app, "before")
    kill(app)
    for round_number in range(rounds):
        wanted, before = str(round_number), described(app)[1]
        app.cloudformation.update_stack(StackName="s", TemplateBody=TEMPLATE, Parameters=threshold(wanted))
        kill(app)
        status, found = described(app)
        assert (status, found) in (("UPDATE_COMPLETE", wanted), ("UPDATE_ROLLBACK_COMPLETE", before))
        assert parameter(app) == found
    app.cloudformation.update_stack(StackName="s", TemplateBody=TEMPLATE, Parameters=threshold("last"))
    app.cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert parameter(app) == "last"


def create(app: Environment, value: str) -> None:
    """The stack, anew."""
    app.cloudformation.delete_stack(StackName="s")
    app.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    app.cloudformation.create_stack(StackName="s", TemplateBody=TEMPLATE, Parameters=threshold(value))
    app.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})


def threshold(value: str) -> Any:
    return [{"ParameterKey": "Threshold", "ParameterValue": value}]


def described(app: Environment) -> tuple[str, str]:
    stack = app.cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    return stack["StackStatus"], stack["Parameters"][0]["ParameterValue"]


def parameter(app: Environment) -> str:
    return str(app.session.client("ssm").get_parameter(Name="kept")["Parameter"]["Value"])


def test_the_last_good_file_stands_in_for_a_damaged_one(own: Environment) -> None:
    """Whatever has become of it: half of it, zeros, nothing."""
    ssm, sqs, sns = own.session.client("ssm"), own.session.client("sqs"), own.session.client("sns")
    for name in ("first", "second"):  # the file of before has the first
        ssm.put_parameter(Name=name, Type="String", Value="kept")
        sqs.create_queue(QueueName=name)
        sns.create_topic(Name=name)
        for service in DAMAGES:
            saved(own, service, name)
    own.close()
    for service, damage in DAMAGES.items():
        path = state_of(own) / f"{service}.json"
        path.write_bytes(damage(path.read_bytes()))
    with closing(open_environment(own.settings)) as again:
        found = again.session.client("ssm").get_parameter(Name="first")["Parameter"]["Value"]
        queues = again.session.client("sqs").list_queues()["QueueUrls"]
        topics = again.session.client("sns").list_topics()["Topics"]
        assert found == "kept"
        assert [url.rpartition("/")[2] for url in queues] == ["first"]
        assert [topic["TopicArn"].rpartition(":")[2] for topic in topics] == ["first"]
        log = (own.settings.state_dir / "aws" / "logs" / "ministack.log").read_text()
        for service in DAMAGES:
            assert len(list(state_of(own).glob(f"{service}.json.damaged-*"))) == 1
            assert f"{service}.json is damaged" in log


def test_a_damaged_journal_is_put_aside(own: Environment) -> None:
    arn = machine(own, "at-once", AT_ONCE)
    own.stepfunctions.start_execution(stateMachineArn=arn)
    own.close()
    journal = state_of(own) / "executions.sqlite"
    assert [path.name for path in journal.parent.glob("executions.sqlite-*")] == []
    journal.write_bytes(b"no database" * 100)
    with closing(open_environment(own.settings)) as again:
        assert again.stepfunctions.list_executions(stateMachineArn=arn)["executions"] == []
        assert again.stepfunctions.start_execution(stateMachineArn=arn)["executionArn"]
    (aside,) = journal.parent.glob("executions.sqlite.damaged-*")
    assert aside.read_bytes() == b"no database" * 100
