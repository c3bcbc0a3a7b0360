"""Batches: what was to be sent is known from the bucket, what was sent from Step Functions; nothing is sent twice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import workflow
from backend.aws.environment import Environment
from backend.aws.ownership import ensure_bucket
from backend.errors import AccessDenied, NotFound
from backend.workflow import Batch, BatchState, submission
from backend.workflow.batch import Planned
from tests import answers
from tests.backend.workflow.quick_machine import counted, executions_by_key, quick_machine, stop_running
from tests.projects import of_project

ROOT = Path(__file__).parents[3]
ENDS = {"pass": "passed", "reject": "rejected", "fail": "failed"}


class Stopped(Exception):
    """What a person who cancels makes the progress call raise."""


@pytest.fixture
def project(environment: Environment, request: pytest.FixtureRequest) -> Iterator[Environment]:
    """A project of the test's own, with a bucket and a state machine."""
    number = sum(map(ord, request.node.name)) * 7919 % 1_000_000
    own = of_project(environment, f"scones-sent-{number}")
    ensure_bucket(own)
    with quick_machine(own):
        yield own


def keys_of(*parts: str) -> list[str]:
    return [f"uploads/{part}-{number}.png" for number, part in enumerate(parts)]


def only_batch(project: Environment) -> workflow.BatchSummary:
    found = workflow.list_batches(project)
    [one] = found.batches
    assert found.total == 1
    return one


def outcomes(project: Environment, batch_id: str) -> list[str]:
    results = workflow.read_results(project, batch_id)
    return [results[position].outcome.value for position in sorted(results)]


def stop_at(share: float) -> Any:
    def progress(done: float, _text: str) -> None:
        if done >= share:
            raise Stopped

    return progress


def test_a_batch_is_written_down_before_its_first_image_is_sent(project: Environment) -> None:
    keys = keys_of(*["pass"] * 20)
    with answers.changed(project.stepfunctions, "StartExecution", answers.denied), pytest.raises(AccessDenied):
        workflow.submit_images(project, keys, "All images")
    [found] = project.s3.list_objects_v2(Bucket=project.bucket, Prefix="batches/", Delimiter="/")["CommonPrefixes"]
    manifest = project.s3.get_object(Bucket=project.bucket, Key=f"{found['Prefix']}manifest.json")["Body"].read()
    assert json.loads(manifest)["keys"] == keys
    assert json.loads(manifest)["title"] == "All images"
    one = only_batch(project)
    assert (one.images, one.remaining, one.counts) == (20, 20, {})


def test_a_batch_that_ended_is_listed_with_its_counts_without_asking_step_functions(project: Environment) -> None:
    keys = keys_of("pass", "reject", "fail", "pass")
    sent = workflow.submit_images(project, keys, "Some images")
    with counted(project.stepfunctions) as asked:
        one = only_batch(project)
        results = workflow.read_results(project, one.batch_id)
    assert not asked
    assert (one.title, one.state, one.remaining, one.failed) == ("Some images", BatchState.ENDED, 0, 1)
    assert one.counts == {"passed": 2, "rejected": 1, "failed": 1}
    assert outcomes(project, one.batch_id) == ["passed", "rejected", "failed", "passed"]
    assert [results[position].key for position in range(4)] == keys
    assert (results[1].predicted_label, results[1].confidence, results[1].threshold) == ("motorcycle", 0.6, 0.8)
    assert (results[2].error, results[2].cause) == ("EndpointMissing", "There is no endpoint.")
    assert {result.execution for result in sent.results()} == {
        names[0] for names in executions_by_key(project).values()
    }
    assert sent.rate() is not None


def test_one_image_is_no_batch(project: Environment) -> None:
    sent = workflow.submit_images(project, keys_of("reject"), "One")
    assert sent.execution is not None
    assert (sent.execution.outcome, sent.execution.s3_key) == ("rejected", "uploads/reject-0.png")
    assert workflow.list_batches(project).total == 0


def test_a_batch_whose_app_was_killed_is_resumed_for_the_rest_and_no_image_is_sent_twice(
    project: Environment, environment: Environment
) -> None:
    """By SIGKILL, in its middle: what it knew is lost, what the bucket and Step Functions know is not."""
    keys = keys_of(*["pass", "reject", "pass"] * 20)
    program = """
import json, sys
from backend import workflow
from backend.aws.environment import open_environment
from backend.settings import Settings
state_dir, project = sys.argv[2:]
environment = open_environment(Settings(environment="embedded", state_dir=state_dir, project=project))
workflow.submit_images(environment, json.loads(sys.argv[1]), "Killed", lambda done, _: print(done, flush=True))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(keys), str(environment.settings.state_dir), project.project],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:
        assert app.stdout is not None
        for line in app.stdout:
            if float(line) > 0.4:
                app.send_signal(signal.SIGKILL)
                break
    before = only_batch(project)
    assert (before.state, before.images) == (BatchState.RUNNING, 60)
    assert before.remaining > 0
    with counted(project.stepfunctions) as asked:
        workflow.resume_batch(project, before.batch_id)
    after = only_batch(project)
    assert (after.state, after.remaining, after.counts) == (BatchState.ENDED, 0, {"passed": 40, "rejected": 20})
    assert 0 < asked["StartExecution"] < 40
    sent = executions_by_key(project)
    assert {key: len(names) for key, names in sent.items()} == dict.fromkeys(keys, 1)


def test_what_became_of_a_batch_is_found_again_without_what_was_kept_of_it(project: Environment) -> None:
    workflow.submit_images(project, keys_of("pass", "reject", "fail"), "Forgotten")
    batch_id = only_batch(project).batch_id
    for name in ("results.jsonl", "summary.json"):
        project.s3.delete_object(Bucket=project.bucket, Key=f"batches/{batch_id}/{name}")
    assert (only_batch(project).remaining, only_batch(project).state) == (3, BatchState.RUNNING)
    with counted(project.stepfunctions) as asked:
        workflow.resume_batch(project, batch_id)
    assert (asked["StartExecution"], asked["DescribeExecution"]) == (0, 3)
    assert outcomes(project, batch_id) == ["passed", "rejected", "failed"]


def test_only_what_failed_is_sent_again_and_only_on_demand(project: Environment) -> None:
    keys = keys_of("pass", "reject", "fail", "fail")
    workflow.submit_images(project, keys, "Some fail")
    batch_id = only_batch(project).batch_id
    with counted(project.stepfunctions) as asked:
        workflow.resume_batch(project, batch_id)
    assert asked["StartExecution"] == 0
    for attempts in (2, 3):
        with counted(project.stepfunctions) as asked:
            sent = workflow.resume_batch(project, batch_id, again=True)
        assert (asked["StartExecution"], asked["DescribeExecution"]) == (2, 2)
        assert {key: len(names) for key, names in executions_by_key(project).items()} == {
            keys[0]: 1,
            keys[1]: 1,
            keys[2]: attempts,
            keys[3]: attempts,
        }
        assert outcomes(project, batch_id) == ["passed", "rejected", "failed", "failed"]
    assert len(sent.results()) == 4


def test_an_attempt_that_was_started_and_not_followed_is_followed_and_not_sent_once_more(project: Environment) -> None:
    keys = keys_of("fail", "pass")
    workflow.submit_images(project, keys, "Two")
    batch_id = only_batch(project).batch_id
    known = workflow.read_batch(project, batch_id)
    workflow.submit_image(project, keys[0], known.execution_name(0, 2))  # by an app that was killed then
    with counted(project.stepfunctions) as asked:
        workflow.resume_batch(project, batch_id)
    assert asked["StartExecution"] == 0
    assert workflow.read_results(project, batch_id)[0].execution == known.execution_name(0, 2)


@pytest.mark.parametrize(
    ("operation", "member", "sent_again"), [("StartExecution", "executionArn", 1), ("DescribeExecution", "name", 0)]
)
def test_an_image_that_was_lost_to_a_call_is_no_verdict_and_comes_to_its_end_later(
    project: Environment, operation: str, member: str, sent_again: int
) -> None:
    def deny_one(parsed: dict[str, Any]) -> None:
        if parsed[member].rpartition(":")[2].startswith("pass-3-"):
            answers.denied(parsed)

    with answers.changed(project.stepfunctions, operation, deny_one):
        workflow.submit_images(project, keys_of(*["pass"] * 12), "One is lost")
    one = only_batch(project)
    assert (one.remaining, one.counts, one.state) == (1, {"passed": 11}, BatchState.ENDED)
    with counted(project.stepfunctions) as asked:
        workflow.resume_batch(project, one.batch_id)
    assert asked["StartExecution"] <= 1  # the first answer was denied after it had been started
    assert only_batch(project).counts == {"passed": 12}
    assert {len(names) for names in executions_by_key(project).values()} == {1}


def test_a_batch_that_is_cancelled_keeps_what_it_knows_and_follows_what_it_started(project: Environment) -> None:
    keys = keys_of(*["pass"] * 4, *["slow"] * 3, *["pass"] * 12)
    with pytest.raises(Stopped):
        workflow.submit_images(project, keys, "Cancelled", stop_at(0.2))
    one = only_batch(project)
    assert one.state is BatchState.CANCELLED
    assert 4 <= one.counts["passed"] < len(keys)
    machine = project.names.state_machine_arn
    resumed = threading.Thread(target=workflow.resume_batch, args=(project, one.batch_id))
    resumed.start()
    assert stop_running(project, machine, "slow-")  # which the resumed batch waits for
    while resumed.is_alive():
        stop_running(project, machine, "slow-")
        resumed.join(0.2)
    assert only_batch(project).counts == {"passed": 16, "stopped": 3}
    assert {len(names) for names in executions_by_key(project).values()} == {1}


def test_a_bucket_that_does_not_answer_meanwhile_costs_no_image(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_KEPT_EVERY", 0.0)
    refused: list[dict[str, Any]] = []

    def refuse_some(parsed: dict[str, Any]) -> None:
        if 3 <= len(refused) < 6:
            refused.append(parsed)
            answers.unreachable(parsed)
        refused.append(parsed)

    with answers.changed(project.s3, "PutObject", refuse_some):
        workflow.submit_images(project, keys_of(*["pass"] * 30), "Outage")
    assert len(refused) > 9
    assert only_batch(project).counts == {"passed": 30}


def test_batches_are_listed_newest_first_in_pages(project: Environment) -> None:
    for number in range(5):
        workflow.submit_images(project, keys_of("pass", "pass"), f"Number {number}")
    pages = [workflow.list_batches(project, page, size=2) for page in (1, 2, 3)]
    assert [[one.title for one in page.batches] for page in pages] == [
        ["Number 4", "Number 3"],
        ["Number 2", "Number 1"],
        ["Number 0"],
    ]
    assert {page.total for page in pages} == {5}


def test_where_there_is_no_bucket_there_is_no_batch(environment: Environment) -> None:
    nothing = of_project(environment, "scones-no-batches")
    assert workflow.list_batches(nothing).batches == ()
    for name in ("20260101-000000-000000", "../current"):
        with pytest.raises(NotFound, match="There is no such batch"):
            workflow.read_batch(nothing, name)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"batch_id": 7}'])
def test_a_manifest_that_is_damaged_is_said(project: Environment, content: bytes) -> None:
    key = "batches/20260101-000000-000000/manifest.json"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=content)
    with pytest.raises(NotFound, match="damaged"):
        workflow.read_batch(project, "20260101-000000-000000")
    assert workflow.list_batches(project).batches == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=4), st.integers(1, 99))
def test_a_name_tells_position_and_attempt_and_is_an_inference_id(keys: list[str], attempt: int) -> None:
    """Source: botocore's model of InvokeEndpoint, InferenceId: at most 64 characters of ASCII."""
    one = Batch("20260101-123456-789012", "Any", datetime(2026, 1, 1, tzinfo=UTC), tuple(keys))
    names = [one.execution_name(position, attempt) for position in range(len(keys))]
    assert [one.attempt_of(name) for name in names] == [(position, attempt) for position in range(len(keys))]
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", name) for name in names)
    other = Batch("20260101-123456-789013", "Any", one.created_at, one.keys)
    assert [other.attempt_of(name) for name in names] == [None] * len(keys)


def ended(name: str) -> workflow.Execution:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return workflow.Execution(name, "SUCCEEDED", at, at, None)


def test_the_pace_is_that_of_the_last_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 100.5, 101.0, 102.0])
    monkeypatch.setattr(submission, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    sent = workflow.Submission()
    one = Batch("20260101-000000-000000", "Any", datetime(2026, 1, 1, tzinfo=UTC), ("a",) * 25)
    sent.plan({number: Planned(f"{number}", "a", "{}") for number in range(25)}, one)
    assert (sent.rate(), sent.seconds_left(), sent.running) == (None, None, 0)
    for number in range(5):
        sent.tell(number, None)
        assert sent.running == 1
        sent.tell(number, ended(f"{number}"))
    assert sent.rate() == 1.5  # of the four at 100 to 102 seconds
    assert sent.seconds_left() == pytest.approx(20 / 1.5)
