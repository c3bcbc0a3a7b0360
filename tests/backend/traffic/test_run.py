"""Runs of traffic against Step Functions: what was sent is what is written down, with its label, whatever happens."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from backend import foundation, jobs, staging
from backend.aws.environment import Environment
from backend.errors import AccessDenied, JobAlreadyRunning, TrafficNotPossible
from backend.ground_truth import GroundTruth
from backend.traffic import (
    Distortion,
    Drift,
    Load,
    Pattern,
    Sent,
    Status,
    TrafficPlan,
    TrafficRun,
    list_runs,
    live_run,
    read_sent,
    run_traffic,
    sending,
)
from backend.traffic import run as run_module
from backend.traffic.arrivals import arrivals
from benchmarks.throttled import Gate
from tests import answers
from tests.backend.workflow.quick_machine import stop_running
from tests.projects import of_project

ROLE = "arn:aws:iam::000000000000:role/any"
VERDICT = {
    "predicted_label": "bicycle",
    "predicted_index": 0,
    "confidence": 0.95,
    "probabilities": [0.95, 0.05],
    "threshold": 0.9,
    "meets_threshold": True,
}
STATES = {
    "IsChanged": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.s3_key", "StringMatches": "traffic/*", "Next": "Reject"}],
        "Default": "Pass",
    },
    "Pass": {"Type": "Pass", "Result": VERDICT, "End": True},
    "Reject": {"Type": "Fail", "Error": "THRESHOLD_CONFIDENCE_NOT_MET", "Cause": "Too dark."},
}
SLOW = {"Wait": {"Type": "Wait", "Seconds": 120, "End": True}}
STEADY = Load(Pattern.STEADY, 2.0, 12)


def made(environment: Environment, name: str, states: dict[str, Any]) -> Iterator[Environment]:
    """A project with staged images and a state machine that needs no Lambda: it passes what was not changed."""
    project = of_project(environment, name)
    foundation.deploy_foundation(project)
    staging.stage_dataset(project, staging.OfflineSample(6, 3), ("bicycle", "motorcycle"))
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    machine = project.stepfunctions.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    yield project
    stop_running(project, machine["stateMachineArn"])
    project.stepfunctions.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    yield from made(environment, "scones-traffic", STATES)


@pytest.fixture(scope="module")
def slow(environment: Environment) -> Iterator[Environment]:
    yield from made(environment, "scones-slow-traffic", SLOW)


class Skipping:
    """A clock that is wherever it is waited for, at once; `at` has what happens at which second of the run.

    Each look at it takes `tick` seconds.
    """

    def __init__(self, at: Sequence[tuple[float, Callable[[], object]]] = (), tick: float = 0.0) -> None:
        self._time, self._tick, self._at = 0.0, tick, sorted(at, key=lambda one: one[0])
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            self._time += self._tick
            return self._time

    def wait(self, until: float, _stopping: threading.Event) -> None:
        while self._at and self._at[0][0] + 1 <= until:  # a run begins a second after it is asked for
            self._at.pop(0)[1]()
        with self._lock:
            self._time = max(self._time, until)


def executions(project: Environment, status: Any = None) -> list[Any]:
    chosen = {"statusFilter": status} if status else {}
    return project.stepfunctions.list_executions(stateMachineArn=project.names.state_machine_arn, **chosen)[
        "executions"
    ]


def started(project: Environment, run_id: str) -> set[str]:
    """What AWS itself knows of a run."""
    return {item["name"] for item in executions(project) if run_id in item["name"]}


def newest(project: Environment) -> tuple[TrafficRun, list[Sent]]:
    """The run that was sent last, as the bucket tells of it."""
    run = list_runs(project)[0]
    return run, read_sent(project, run.keys)


def true_labels(project: Environment) -> dict[str, str]:
    """By key, as the manifests have them."""
    dataset = staging.describe_dataset(project)
    assert dataset is not None
    return {
        image.key: image.label for split in dataset.counts for image in staging.list_images(project, dataset, split)
    }


def pixels(project: Environment, key: str) -> Any:
    content = project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()
    return np.asarray(Image.open(io.BytesIO(content)))


def change(project: Environment, drift: Drift) -> Callable[[], None]:
    def act() -> None:
        live = live_run(project)
        assert live is not None
        live.change(drift)

    return act


def stop(project: Environment) -> None:
    live = live_run(project)
    assert live is not None
    live.stop()


def test_what_was_sent_is_written_down_with_its_label_and_its_end(project: Environment) -> None:
    said: list[tuple[float, str]] = []
    run = run_traffic(project, TrafficPlan(STEADY, seed=4), lambda share, text: said.append((share, text)), Skipping())
    found, rows = newest(project)
    assert found == run
    assert (run.ending, run.labels) == ("completed", ("bicycle", "motorcycle"))
    assert [row.due for row in rows] == [round(due, 3) for due in arrivals(STEADY, np.random.default_rng([4, 0]))]
    assert {row.inference_id for row in rows} == started(project, run.run_id)
    assert {row.status for row in rows} == {Status.STARTED}
    labels = true_labels(project)
    assert all(row.label == labels[row.key] == labels[row.staged_key] for row in rows)
    ids = [row.inference_id for row in rows]
    assert GroundTruth().labels(project, ids) == {row.inference_id: row.label for row in rows}
    assert {row.outcome for row in rows} == {"passed"}
    assert [row.is_right for row in rows] == [row.label == "bicycle" for row in rows]
    assert run.totals.started == len(rows) > 10
    assert run.totals.right + run.totals.wrong == len(rows)
    assert [share for share, _ in said] == sorted(share for share, _ in said)
    assert said[-1] == (1.0, run.totals.describe())
    assert live_run(project) is None


def test_drift_that_is_dialled_in_acts_on_what_comes_next(project: Environment) -> None:
    dark = Drift({Distortion.DARKER: 2})
    clock = Skipping([(5, change(project, dark)), (9, change(project, Drift(foreign=1.0)))])
    run_traffic(project, TrafficPlan(STEADY, seed=5), clock=clock)
    run, rows = newest(project)
    assert run.plan.drift == Drift()
    before, while_dark, foreign = (
        [row for row in rows if low <= row.due < high] for low, high in ((0, 5), (6.01, 9), (10.01, 99))
    )
    assert {row.drift.describe() for row in before} == {"none"}
    assert all(row.key == row.staged_key for row in before)
    assert all(row.drift == dark for row in while_dark)
    for row in while_dark:
        assert row.key.startswith(f"traffic/{run.run_id}/")
        assert pixels(project, row.key).mean() == pytest.approx(0.6 * pixels(project, row.staged_key).mean(), abs=0.5)
        assert (row.outcome, row.is_right) == ("rejected", None)
    assert {row.label for row in foreign} == {"other"}
    assert min(len(before), len(while_dark), len(foreign)) > 1
    assert GroundTruth().labels(project, [while_dark[0].inference_id]) == {
        while_dark[0].inference_id: true_labels(project)[while_dark[0].staged_key]
    }


def test_the_same_seed_sends_the_same_pictures(project: Environment) -> None:
    plan = TrafficPlan(Load(Pattern.BURSTS, 2.0, 6, period=6), 6, Drift({Distortion.NOISIER: 3}))
    sent = []
    for _ in range(2):
        run_traffic(project, plan, clock=Skipping())
        sent.append([(row.due, pixels(project, row.key).tobytes()) for row in newest(project)[1]])
    assert sent[0] == sent[1]
    assert len({content for _, content in sent[0]}) == len(sent[0]) > 1


def test_a_run_that_is_stopped_sends_no_more_and_what_was_sent_is_followed(project: Environment) -> None:
    run_traffic(project, TrafficPlan(STEADY), clock=Skipping([(4, lambda: stop(project))]))
    run, rows = newest(project)
    assert run.ending == "stopped"
    assert 0 < len(rows) < STEADY.expected(0, 8)
    assert all(row.due < 5 and row.outcome == "passed" for row in rows)
    assert started(project, run.run_id) == {row.inference_id for row in rows}


def test_a_run_that_is_cancelled_says_what_it_has_sent(project: Environment) -> None:
    def cancel(share: float, _text: str) -> None:
        if share > 0.4:
            raise jobs.Cancelled

    with pytest.raises(jobs.Cancelled) as cancelled:
        run_traffic(project, TrafficPlan(STEADY), cancel, Skipping())
    run, rows = newest(project)
    assert run.ending == "cancelled"
    assert {row.inference_id for row in rows if row.status is Status.STARTED} == started(project, run.run_id)
    assert cancelled.value.__notes__ == [run.totals.describe()]


def test_a_second_run_of_a_project_waits_for_the_end_of_the_first(project: Environment) -> None:
    def again() -> None:
        with pytest.raises(JobAlreadyRunning, match="still being sent"):
            run_traffic(project, TrafficPlan(STEADY), clock=Skipping())

    run_traffic(project, TrafficPlan(Load(Pattern.STEADY, 1.0, 3)), clock=Skipping([(1, again)]))


def test_a_change_that_cannot_be_drawn_is_refused_and_the_run_goes_on(project: Environment) -> None:
    def act() -> None:
        with pytest.raises(TrafficNotPossible, match="no test images of car"):
            change(project, Drift(mix={"car": 1}))()

    run = run_traffic(project, TrafficPlan(Load(Pattern.STEADY, 2.0, 4)), clock=Skipping([(1, act)]))
    assert run.ending == "completed"


def test_no_more_than_so_many_are_in_flight_and_who_waits_too_long_is_not_started_and_said(
    slow: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AT_ONCE", 4)
    monkeypatch.setattr(run_module, "_PATIENCE", 1)
    run = run_traffic(slow, TrafficPlan(Load(Pattern.STEADY, 2.0, 8)), clock=Skipping(tick=1.0))
    rows = newest(slow)[1]
    assert started(slow, run.run_id) == {row.inference_id for row in rows if row.status is Status.STARTED}
    assert len(executions(slow, "RUNNING")) == run.totals.started == 4
    assert run.totals.not_started == len(rows) - 4 > 0
    assert {row.reason for row in rows[4:]} == {"4 executions were in flight for 30 seconds."}
    assert f"{len(rows) - 4} images could not be started" in run.totals.describe()


def test_who_starts_behind_its_time_is_late(project: Environment) -> None:
    run = run_traffic(project, TrafficPlan(Load(Pattern.STEADY, 2.0, 3)), clock=Skipping(tick=1.5))
    rows = newest(project)[1]
    assert run.totals.late == len(rows) > 0
    assert all(row.late >= 1.5 for row in rows if row.late is not None)


def test_a_quota_makes_it_slower_and_costs_nothing(project: Environment) -> None:
    gate = Gate({"DescribeExecution": (3, 20), "ListExecutions": (3, 5), "StartExecution": (4, 20)})
    with gate.before(project.stepfunctions):
        run = run_traffic(project, TrafficPlan(STEADY), clock=Skipping())
    assert run.totals.outcomes == {"passed": run.totals.started}
    assert run.totals.not_started == 0
    assert gate.refused.total() > 0, "the quotas were never reached"


def test_a_list_that_is_late_costs_no_end(project: Environment) -> None:
    """Source: Step Functions API reference, ListExecutions and DescribeExecution: they are eventually consistent."""
    told: set[str] = set()

    def hide_all(parsed: dict[str, Any]) -> None:
        parsed["executions"] = []

    def not_at_first(parsed: dict[str, Any]) -> None:
        if parsed["name"] not in told:
            told.add(parsed["name"])
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "Said."}}, "DescribeExecution")

    with (
        answers.changed(project.stepfunctions, "ListExecutions", hide_all),
        answers.changed(project.stepfunctions, "DescribeExecution", not_at_first),
    ):
        run = run_traffic(project, TrafficPlan(STEADY), clock=Skipping())
    assert run.totals.outcomes == {"passed": run.totals.started} == {"passed": len(told)}


def test_where_nothing_can_be_started_it_ends_and_says_why(project: Environment) -> None:
    def deny(request: dict[str, Any]) -> dict[str, Any]:
        answers.denied(request)
        return request

    long = TrafficPlan(Load(Pattern.STEADY, 10.0, 600))
    with (
        answers.answered(project.stepfunctions, "StartExecution", deny),
        pytest.raises(AccessDenied, match="Not yours"),
    ):
        run_traffic(project, long, clock=Skipping())
    run, rows = newest(project)
    assert "Not yours" in str(run.ending)
    assert run.totals.started == 0
    assert 8 <= run.totals.not_started < 100
    assert started(project, run.run_id) == set()
    assert all("Not yours" in str(row.reason) for row in rows if row.status is Status.NOT_STARTED)


def test_nothing_is_sent_that_could_not_be_written_down(project: Environment) -> None:
    """The bucket takes the run's description, and then no more."""

    def deny(params: dict[str, Any], **_: Any) -> None:
        if "/sent/" in params["url_path"]:
            answers.denied({})

    event = "before-call.s3.PutObject"
    project.s3.meta.events.register(event, deny)
    try:
        with pytest.raises(AccessDenied, match="write down what is sent"):
            run_traffic(project, TrafficPlan(STEADY), clock=Skipping())
    finally:
        project.s3.meta.events.unregister(event, deny)
    assert started(project, list_runs(project)[0].run_id) == set()


def test_without_staged_images_there_is_no_traffic(environment: Environment) -> None:
    nothing = of_project(environment, "scones-no-traffic")
    with pytest.raises(TrafficNotPossible, match="No images are staged"):
        run_traffic(nothing, TrafficPlan(STEADY), clock=Skipping())
    assert list_runs(nothing) == []
    assert GroundTruth().labels(nothing, ["any"]) == {}


def test_what_is_no_run_of_ours_is_left_out(project: Environment) -> None:
    before = list_runs(project)
    for name, content in {
        "zzz-other": b"{}",
        "zzz-text": b"\xff",
        "zzz-plan": b'{"run_id": "a", "started_at": "2026-01-01T00:00:00Z", "labels": [], "plan": {"load": '
        b'{"pattern": "steady", "rate": 1000, "seconds": 1}}}',
    }.items():
        project.s3.put_object(Bucket=project.bucket, Key=f"traffic/{name}/run.json", Body=content)
    project.s3.put_object(
        Bucket=project.bucket, Key=f"{before[0].keys.parts}99999.jsonl", Body=b'{"number": 1}\nnot JSON\n'
    )
    assert list_runs(project) == before
    assert len(read_sent(project, before[0].keys)) == before[0].totals.started


KILLED = """
import sys
from pathlib import Path
from backend.aws.environment import open_environment
from backend.settings import Settings
from backend.traffic import Drift, Distortion, Load, Pattern, TrafficPlan, run_traffic
project = open_environment(Settings(environment="embedded", state_dir=Path(sys.argv[1]), project=sys.argv[2]))
run_traffic(project, TrafficPlan(Load(Pattern.STEADY, 20.0, 300), drift=Drift({Distortion.DARKER: 2})))
"""


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_the_label_of_everything_that_it_sent(project: Environment) -> None:
    before = {run.run_id for run in list_runs(project)}
    arguments = [sys.executable, "-c", KILLED, str(project.settings.state_dir), project.project]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[3]) as process:
        deadline = time.monotonic() + 60
        while True:
            new = {run.run_id for run in list_runs(project)} - before
            if new and len(started(project, next(iter(new)))) > 30:
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGKILL)
    run, rows = newest(project)
    names = started(project, run.run_id)
    assert run.ending is None
    assert names <= {row.inference_id for row in rows}
    labels = GroundTruth().labels(project, names)
    manifest = true_labels(project)
    assert labels == {row.inference_id: manifest[row.staged_key] for row in rows if row.inference_id in names}
    assert {row.inference_id for row in rows if row.status is Status.STARTED} <= names
