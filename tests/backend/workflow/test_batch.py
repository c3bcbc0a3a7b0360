"""Batches: nothing is lost to a late list, to a quota, or to a call that fails, and no end is asked for twice."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from backend import workflow
from backend.aws.environment import Environment, open_environment
from backend.errors import AccessDenied, WorkflowNotDeployed
from backend.settings import Settings
from backend.workflow import Outcome, batch
from benchmarks.throttled import Gate
from tests import answers
from tests.backend.workflow.quick_machine import stop_running
from tests.projects import of_project

STATES = {
    "IsSlow": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.s3_key", "StringMatches": "*slow*", "Next": "Slow"}],
        "Default": "Wait",
    },
    "Slow": {"Type": "Wait", "Seconds": 120, "Next": "Done"},
    "Wait": {"Type": "Wait", "Seconds": 0.2, "Next": "Done"},  # which AWS would not take
    "Done": {"Type": "Succeed"},
}
KEYS = [f"uploads/{name}.png" for name in "abcdefghijkl"]


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    """A project with a state machine of its name, whose executions end without any Lambda."""
    own = of_project(environment, "scones-batches")
    machine = own.stepfunctions.create_state_machine(
        name=own.project,
        definition=json.dumps({"StartAt": "IsSlow", "States": STATES}),
        roleArn="arn:aws:iam::000000000000:role/any",
    )
    yield own
    own.stepfunctions.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


@pytest.fixture
def asked(project: Environment) -> Iterator[Counter[str]]:
    """How often each operation was sent to Step Functions."""
    counts: Counter[str] = Counter()

    def count(request: AWSPreparedRequest, **_: Any) -> None:
        target = request.headers["X-Amz-Target"]
        counts[(target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]] += 1

    events = project.stepfunctions.meta.events
    events.register("before-send.stepfunctions", count)
    yield counts
    events.unregister("before-send.stepfunctions", count)


def passed(executions: list[workflow.Execution]) -> list[str | None]:
    return [one.s3_key for one in executions if one.outcome is Outcome.PASSED]


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "Said."}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


def test_every_image_comes_to_its_end_in_the_order_of_the_keys_and_is_described_once(
    project: Environment, asked: Counter[str]
) -> None:
    assert passed(workflow.run_batch(project, KEYS)) == KEYS
    assert (asked["StartExecution"], asked["DescribeExecution"]) == (len(KEYS), len(KEYS))


def test_a_list_that_is_late_costs_a_few_questions_at_first_and_no_image(
    project: Environment, asked: Counter[str]
) -> None:
    """Source: Step Functions API reference, ListExecutions: it is eventually consistent."""

    def hide_the_newest(parsed: dict[str, Any]) -> None:
        visible_from = datetime.now(UTC) - timedelta(seconds=0.15)
        parsed["executions"] = [item for item in parsed["executions"] if item["startDate"] < visible_from]

    keys = KEYS * 4
    with answers.changed(project.stepfunctions, "ListExecutions", hide_the_newest):
        assert passed(workflow.run_batch(project, keys)) == keys
    assert asked["DescribeExecution"] < 2 * len(keys)


def test_an_execution_that_aws_does_not_know_yet_is_running(project: Environment) -> None:
    """Source: Step Functions API reference, DescribeExecution: it is eventually consistent."""
    told: set[str] = set()

    def not_at_first(parsed: dict[str, Any]) -> None:
        if parsed["name"] not in told:
            told.add(parsed["name"])
            raise refusal("ExecutionDoesNotExist")

    with answers.changed(project.stepfunctions, "DescribeExecution", not_at_first):
        assert passed(workflow.run_batch(project, KEYS)) == KEYS
    assert len(told) == len(KEYS)


@pytest.mark.parametrize(
    ("operation", "member", "error"),
    [("DescribeExecution", "name", batch.NOT_FOLLOWED), ("StartExecution", "executionArn", batch.NOT_STARTED)],
)
def test_a_call_that_fails_costs_its_image_which_says_so(
    project: Environment, operation: str, member: str, error: str
) -> None:
    def deny_one(parsed: dict[str, Any]) -> None:
        if parsed[member].rpartition(":")[2].startswith("d-"):
            answers.denied(parsed)

    said = []
    with answers.changed(project.stepfunctions, operation, deny_one):
        ended = workflow.run_batch(project, KEYS, lambda _, text: said.append(text))
    assert passed(ended) == [key for key in KEYS if key != "uploads/d.png"]
    lost = ended[KEYS.index("uploads/d.png")]
    assert (lost.s3_key, lost.error, lost.outcome) == ("uploads/d.png", error, Outcome.FAILED)
    assert "Not yours" in str(lost.cause)
    assert lost.name.startswith("d-")
    assert said[-1].startswith("11 of 12 images went through the workflow. Of the other 1: ")


@pytest.mark.parametrize("fail", [answers.unreachable, "ThrottlingException", "InternalServerError"])
@pytest.mark.parametrize("operation", ["ListExecutions", "DescribeExecution"])
def test_an_outage_that_passes_costs_nothing(project: Environment, operation: str, fail: Any) -> None:
    failed: list[object] = []

    def fail_at_first(parsed: dict[str, Any]) -> None:
        if len(failed) < 3:
            failed.append(parsed)
            if callable(fail):
                fail(parsed)
            raise refusal(fail, 500 if fail == "InternalServerError" else 400)

    with answers.changed(project.stepfunctions, operation, fail_at_first):
        assert passed(workflow.run_batch(project, KEYS)) == KEYS
    assert len(failed) == 3


def test_where_executions_may_not_be_listed_each_image_says_so(project: Environment) -> None:
    with answers.changed(project.stepfunctions, "ListExecutions", answers.denied):
        ended = workflow.run_batch(project, KEYS)
    assert [one.error for one in ended] == [batch.NOT_FOLLOWED] * len(KEYS)
    assert all("list the executions that run: Not yours" in str(one.cause) for one in ended)


def test_a_fault_of_ours_in_the_watch_ends_the_wait(project: Environment) -> None:
    def broken(_parsed: dict[str, Any]) -> None:
        raise ZeroDivisionError

    with answers.changed(project.stepfunctions, "ListExecutions", broken), pytest.raises(ZeroDivisionError):
        workflow.run_batch(project, KEYS)


def test_a_batch_that_begins_with_refusals_alone_is_not_begun_for_the_rest(
    project: Environment, environment: Environment, asked: Counter[str]
) -> None:
    with (
        answers.changed(project.stepfunctions, "StartExecution", answers.denied),
        pytest.raises(AccessDenied, match="Not yours"),
    ):
        workflow.run_batch(project, KEYS * 100)
    assert asked["StartExecution"] < 100
    with pytest.raises(WorkflowNotDeployed, match="Deploy the workflow"):
        workflow.run_batch(of_project(environment, "scones-nothing-there"), KEYS[:1])


def test_quotas_make_it_slower_and_lose_nothing(project: Environment) -> None:
    gate = Gate({"DescribeExecution": (3, 20), "ListExecutions": (3, 5), "StartExecution": (8, 30)})
    with gate.before(project.stepfunctions):
        ended = workflow.run_batch(project, KEYS * 2)
    assert passed(ended) == KEYS * 2
    assert gate.refused.total() > 0, "the quotas were never reached"


def test_a_cancelled_batch_ends_at_once_and_what_it_started_runs_on(project: Environment) -> None:
    class Cancelled(Exception): ...

    def cancel(_share: float, _text: str) -> None:
        raise Cancelled

    slow = [f"uploads/slow-{number}.png" for number in range(20)]
    arn = project.names.state_machine_arn
    with pytest.raises(Cancelled):
        workflow.run_batch(project, [KEYS[0], *slow], cancel)
    assert 0 < len(stop_running(project, arn, "slow-")) < 20


@pytest.mark.slow
def test_a_step_functions_that_dies_in_the_middle_of_a_batch_costs_what_it_was_running(tmp_path: Path) -> None:
    """Killed, and started again by the app: every image has an end, or a named error."""
    settings = Settings(environment="embedded", state_dir=tmp_path, project="scones-killed")
    with closing(open_environment(settings)) as project:
        project.stepfunctions.create_state_machine(
            name=project.project,
            definition=json.dumps({"StartAt": "IsSlow", "States": STATES}),
            roleArn="arn:aws:iam::000000000000:role/any",
        )
        killed: list[int] = []

        def kill(share: float, _text: str) -> None:
            if share > 0.4 and not killed:
                killed.append(int((tmp_path / "aws" / "ministack.lock").read_text()))
                os.kill(killed[0], signal.SIGKILL)

        ended = workflow.run_batch(project, KEYS * 4, kill)
    assert killed
    assert [one.s3_key for one in ended if one.outcome is Outcome.FAILED or one.outcome is Outcome.PASSED] == KEYS * 4
    assert {one.error for one in ended} <= {None, "States.ServiceRestart", batch.NOT_STARTED, batch.NOT_FOLLOWED}
    assert sum(one.error is not None for one in ended) <= 8


def test_an_execution_whose_start_was_answered_and_the_answer_lost_is_taken_as_started(project: Environment) -> None:
    """botocore sends a request again when the connection breaks before the answer; AWS has the name already then."""
    name = workflow.submit_image(project, KEYS[0])
    for key in (KEYS[0], KEYS[1]):
        assert workflow.submit_image(project, key, name) == name
