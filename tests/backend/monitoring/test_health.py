"""Executions and captured records beside each other: what is missing of either is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from backend import deployment, monitoring, workflow
from backend.aws.environment import Environment
from backend.errors import NotFound
from backend.monitoring.health import Comparison, compare_with_executions
from backend.workflow import Execution, Verdict
from tests.capture_lines import capture_line

VERDICT = Verdict("bicycle", 0, 0.9, (0.9, 0.1), 0.8, meets_threshold=True)


@dataclass
class Workflow:
    """What AWS says of the project's executions and of its endpoint."""

    now: datetime
    executions: list[Execution] = field(default_factory=list)
    older: set[str] = field(default_factory=set)
    sampling: int | None = 100

    def ran(self, *names: str, ago: timedelta = timedelta(minutes=30)) -> None:
        """Executions that the endpoint answered, each a minute before the one named before it."""
        for number, name in enumerate(names):
            at = self.now - ago - number * timedelta(minutes=1)
            content = {"s3_key": f"{name}.png"}
            self.executions.append(
                Execution(name, "SUCCEEDED", at, at + timedelta(seconds=1), content, verdict=VERDICT)
            )

    def describe(self, _environment: Environment, name: str, **_options: bool) -> Execution:
        if name not in self.older:
            raise NotFound(name)
        return self.executions[0]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    state = Workflow(datetime.now(UTC))
    monkeypatch.setattr(workflow, "list_executions", lambda _: state.executions)
    monkeypatch.setattr(workflow, "describe_execution", state.describe)
    monkeypatch.setattr(
        deployment,
        "describe_endpoint",
        lambda _: None if state.sampling is None else SimpleNamespace(capture_percent=state.sampling),
    )
    return state


Compare = Callable[..., Comparison]


@pytest.fixture
def compare(ran: Workflow, captures: Environment, put: Callable[..., str]) -> Compare:
    """Capture records of these inference ids, delivered two minutes after, and compare."""

    def compared(*identifiers: str | None) -> Comparison:
        if identifiers:
            put(b"".join(record(identifier, ran.now - timedelta(minutes=2)) for identifier in identifiers))
            monitoring.refresh_captures(captures)
        return compare_with_executions(captures, ran.now)

    return compared


def record(identifier: str | None, time: datetime) -> bytes:
    line = json.loads(capture_line([0.9, 0.1], f"{time:%Y-%m-%dT%H:%M:%SZ}", eventMetadata__inferenceId=identifier))
    if identifier is None:
        del line["eventMetadata"]["inferenceId"]
    return json.dumps(line).encode() + b"\n"


def test_where_every_execution_was_captured_nothing_is_missing(ran: Workflow, compare: Compare) -> None:
    ran.ran("a", "b")
    comparison = compare("a", "b")
    assert (comparison.answered, comparison.not_captured, comparison.silent) == (2, (), 0)
    assert (comparison.records, comparison.without_execution) == (2, ())


def test_an_execution_without_a_record_is_named(ran: Workflow, compare: Compare) -> None:
    ran.ran("a", "b", "c")
    comparison = compare("a", "c")
    assert comparison.not_captured == ("b",)
    assert comparison.silent == 0, "newer ones were captured"


def test_a_name_that_is_no_inference_id_is_found_by_the_one_derived_from_it(ran: Workflow, compare: Compare) -> None:
    from backend.workflow.inference_ids import inference_id

    name = "n" * 80
    ran.ran(name)
    assert compare(inference_id(name)).not_captured == ()


def test_what_was_answered_just_now_is_not_due(ran: Workflow, compare: Compare) -> None:
    ran.ran("new", ago=timedelta(minutes=2))
    ran.ran("old")
    comparison = compare("old")
    assert (comparison.awaited, comparison.answered, comparison.not_captured) == (1, 1, ())


def test_what_was_captured_already_is_not_awaited(ran: Workflow, compare: Compare) -> None:
    ran.ran("new", ago=timedelta(minutes=2))
    comparison = compare("new")
    assert (comparison.awaited, comparison.answered) == (0, 1)


def test_an_execution_that_got_no_answer_leaves_no_record(ran: Workflow, compare: Compare) -> None:
    ran.ran("a")
    ran.executions.append(
        Execution("b", "FAILED", ran.now - timedelta(hours=1), ran.now - timedelta(minutes=59), {}, error="X")
    )
    assert compare("a").not_captured == ()


def test_records_that_no_execution_asked_for_are_found(ran: Workflow, compare: Compare) -> None:
    ran.ran("a", "b")
    ran.older.add("older")
    comparison = compare("a", "b", "foreign", None, "older")
    assert (comparison.records, len(comparison.without_execution)) == (5, 2)


def test_a_record_that_names_an_image_of_the_project_needs_no_execution(
    ran: Workflow, compare: Compare, put: Callable[..., str]
) -> None:
    """It is there longer than its execution; what others send as attributes names none of our images."""
    ran.ran("a")
    keys = {"gone": "uploads/x.png", "gone-too": "datasets/1/test/a%20b.png", "foreign": "trace=1"}
    lines = [json.loads(record(name, ran.now - timedelta(minutes=2))) for name in keys]
    for line in lines:
        line["eventMetadata"]["customAttributes"] = [keys[line["eventMetadata"]["inferenceId"]]]
    put("".join(json.dumps(line) + "\n" for line in lines).encode(), "05-06-000-b")
    comparison = compare("a")
    assert (comparison.records, len(comparison.without_execution)) == (4, 1)


def test_a_trial_of_the_deployment_page_is_nobody_elses_request(ran: Workflow, compare: Compare) -> None:
    ran.ran("a")
    comparison = compare("a", "trial-20260131-093012-000000", "trial-of-somebody")
    assert (comparison.records, len(comparison.without_execution)) == (3, 1)


@pytest.mark.parametrize(
    ("sampling", "missing", "silent"),
    [(100, 1, 1), (50, 6, 0), (50, 7, 7), (10, 20, 0), (0, 20, 0), (None, 20, 0)],
)
def test_it_is_silence_where_sampling_makes_it_unlikely(
    ran: Workflow, compare: Compare, sampling: int | None, missing: int, silent: int
) -> None:
    """Half of 6 missing in a row is 1 in 64, of 7 it is 1 in 128; nine tenths of 20 missing is 1 in 8."""
    ran.sampling = sampling
    ran.ran(*(f"lost-{number}" for number in range(missing)), ago=timedelta(minutes=6))
    ran.ran("old", ago=timedelta(minutes=30))
    comparison = compare("old")
    assert (comparison.silent, len(comparison.not_captured), comparison.sampling) == (silent, missing, sampling)


def test_without_any_capture_every_execution_is_missing(ran: Workflow, compare: Compare) -> None:
    ran.ran("a", "b")
    comparison = compare()
    assert (comparison.not_captured, comparison.silent, comparison.records) == (("a", "b"), 2, 0)


def test_without_an_execution_there_is_nothing_to_compare(ran: Workflow, compare: Compare) -> None:
    assert compare("a") == Comparison(sampling=100)
