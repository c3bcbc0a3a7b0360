"""All executions: each end is read once, and what is shown is what Step Functions lists."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import workflow
from backend.aws.environment import Environment
from backend.errors import AccessDenied, ExecutionsUnavailable
from backend.workflow import Filters, execution_list
from tests import answers
from tests.backend.workflow.quick_machine import counted, quick_machine
from tests.projects import of_project

PARTS = ["pass"] * 5 + ["reject"] * 3 + ["fail"] * 2
ENDS = {"passed": 5, "rejected": 3, "failed": 2}


def sent(project: Environment, parts: list[str] = PARTS, prefix: str = "") -> list[workflow.Execution]:
    """Executions that ended as these parts of their images' keys say, one after another started."""
    return workflow.run_batch(project, [f"uploads/{prefix}{part}-{number}.png" for number, part in enumerate(parts)])


@pytest.fixture(scope="module")
def ended(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A project of which ten executions have ended."""
    own = of_project(environment, "scones-listed", tmp_path_factory.mktemp("listed"))
    with quick_machine(own):
        sent(own)
        yield own


@pytest.fixture
def fresh(ended: Environment, tmp_path: Path) -> Environment:
    """The same project, of which this machine knows nothing yet."""
    return of_project(ended, ended.project, tmp_path)


@pytest.fixture
def own(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project with a state machine of the test's own, and nothing known of it."""
    project = of_project(environment, "scones-listed-own", tmp_path)
    with quick_machine(project):
        yield project


def names(found: workflow.Found) -> list[str]:
    return [execution.name for execution in found.executions]


def test_what_has_ended_is_described_once_and_a_new_one_when_it_comes(own: Environment) -> None:
    sent(own)
    with counted(own.stepfunctions) as asked:
        first = workflow.find_executions(own, Filters())
    assert asked["DescribeExecution"] == len(PARTS)
    sent(own, ["pass"])
    with counted(own.stepfunctions) as asked:
        then, again = workflow.find_executions(own, Filters()), workflow.find_executions(own, Filters())
    assert asked["DescribeExecution"] == 1
    assert names(then)[1:] == names(first)
    assert then == again


def test_what_a_submission_followed_is_not_described_again(own: Environment) -> None:
    workflow.submit_images(own, ["uploads/reject.png"], "One")
    with counted(own.stepfunctions) as asked:
        [execution] = workflow.find_executions(own, Filters()).executions
    assert asked["DescribeExecution"] == 0
    assert (execution.outcome, execution.s3_key) == ("rejected", "uploads/reject.png")


def test_what_others_start_before_a_submission_is_listed_too(own: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A submission tells of its own executions alone, though they are newer."""
    monkeypatch.setattr(execution_list, "_LATENESS", timedelta(0))
    sent(own, ["pass"])
    workflow.find_executions(own, Filters())
    others = sent(own, ["reject", "fail"])
    workflow.submit_images(own, ["uploads/pass.png"], "One")
    assert {one.name for one in others} < set(names(workflow.find_executions(own, Filters())))


def test_pages_hold_every_execution_once_newest_first(fresh: Environment) -> None:
    pages = [workflow.find_executions(fresh, Filters(), page, size=4) for page in (1, 2, 3)]
    listed = fresh.stepfunctions.list_executions(stateMachineArn=fresh.names.state_machine_arn)["executions"]
    shown = [execution for page in pages for execution in page.executions]
    assert sorted(execution.name for execution in shown) == sorted(item["name"] for item in listed)
    assert [one.started_at for one in shown] == sorted((one.started_at for one in shown), reverse=True)
    assert [len(page.executions) for page in pages] == [4, 4, 2]
    assert {(page.matching, page.total) for page in pages} == {(10, 10)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ENDS),
        (Filters(status="FAILED"), {"rejected": 3, "failed": 2}),
        (Filters(status="SUCCEEDED"), {"passed": 5}),
        (Filters(outcome="rejected"), {"rejected": 3}),
        (Filters(predicted_label="motorcycle"), {"rejected": 3}),
        (Filters(name="FAIL-"), {"failed": 2}),
        (Filters(name="%"), {}),
        (Filters(name="pass", status="FAILED"), {}),
        (Filters(until=datetime(2020, 1, 1, tzinfo=UTC)), {}),
        (Filters(since=datetime(2020, 1, 1, tzinfo=UTC), outcome="passed"), {"passed": 5}),
    ],
)
def test_figures_are_of_what_is_filtered(ended: Environment, filters: Filters, expected: dict[str, int]) -> None:
    workflow.describe_rest(ended)
    found = workflow.find_executions(ended, filters)
    assert Counter(str(execution.outcome) for execution in found.executions) == expected
    assert (found.outcomes, found.matching, found.total) == (expected, sum(expected.values()), len(PARTS))
    judged = expected.get("passed", 0) + expected.get("rejected", 0)
    assert found.pass_rate == (expected.get("passed", 0) / judged if judged else None)
    seconds = sorted((one.stopped_at - one.started_at).total_seconds() for one in found.executions if one.stopped_at)
    assert found.median_seconds == (pytest.approx(seconds[(len(seconds) - 1) // 2], abs=1e-5) if seconds else None)


def test_what_is_not_described_yet_is_counted_and_then_read(fresh: Environment) -> None:
    before = workflow.find_executions(fresh, Filters(), size=3)
    assert before.undescribed == len(PARTS) - 3
    assert sum(before.outcomes.values()) < before.matching or "" not in before.outcomes
    said: list[str] = []
    workflow.describe_rest(fresh, lambda _, text: said.append(text))
    after = workflow.find_executions(fresh, Filters(), size=3)
    assert (after.undescribed, after.outcomes) == (0, ENDS)
    assert said[-1] == "7 executions read."


def test_an_execution_that_runs_is_followed_to_its_end_also_when_it_is_old(
    own: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_list, "_LATENESS", timedelta(0))
    name = workflow.submit_image(own, "uploads/slow.png")
    sent(own, ["pass"])
    found = {one.name: one for one in workflow.find_executions(own, Filters()).executions}
    assert (found[name].outcome, found[name].s3_key) == ("running", "uploads/slow.png")
    workflow.stop_execution(own, name)
    found = {one.name: one for one in workflow.find_executions(own, Filters()).executions}
    assert (found[name].outcome, found[name].cause) == ("stopped", "Stopped by a person, on the Test images page.")
    assert workflow.find_executions(own, Filters(status="RUNNING")).matching == 0


def test_an_execution_that_has_ended_is_stopped_without_a_word_and_stays_as_it_ended(own: Environment) -> None:
    name = sent(own, ["pass"])[0].name
    workflow.stop_execution(own, name)
    assert workflow.describe_execution(own, name).status == "SUCCEEDED"


def test_a_stop_that_is_refused_while_the_execution_goes_on_is_said(own: Environment) -> None:
    name = workflow.submit_image(own, "uploads/slow.png")
    with answers.answered(own.stepfunctions, "StopExecution", answers.denied), pytest.raises(AccessDenied):
        workflow.stop_execution(own, name)
    assert workflow.describe_execution(own, name).status == "RUNNING"


def test_what_is_listed_late_comes_later(own: Environment) -> None:
    """Source: Step Functions API reference, ListExecutions: it is eventually consistent."""
    sent(own, ["pass"] * 3)
    workflow.find_executions(own, Filters())
    late = sent(own, ["reject"], "late-")[0].name

    def hide(parsed: dict[str, Any]) -> None:
        parsed["executions"] = [item for item in parsed["executions"] if item["name"] != late]

    with answers.changed(own.stepfunctions, "ListExecutions", hide):
        sent(own, ["pass"], "newer-")
        assert late not in names(workflow.find_executions(own, Filters()))
    assert late in names(workflow.find_executions(own, Filters()))


def test_what_is_listed_no_more_is_shown_no_more(own: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after 90 days on AWS."""
    monkeypatch.setattr(execution_list, "_LATENESS", timedelta(0))
    gone = sent(own, ["pass"])[0].name
    sent(own, ["pass"] * 2)
    assert gone in names(workflow.find_executions(own, Filters()))
    monkeypatch.setattr(execution_list, "_WHOLE_EVERY", timedelta(0))

    def hide(parsed: dict[str, Any]) -> None:
        parsed["executions"] = [item for item in parsed["executions"] if item["name"] != gone]

    with answers.changed(own.stepfunctions, "ListExecutions", hide):
        found = workflow.find_executions(own, Filters())
    assert (gone in names(found), found.total) == (False, 2)


def test_another_state_machine_of_the_same_name_begins_with_nothing(environment: Environment, tmp_path: Path) -> None:
    project = of_project(environment, "scones-listed-anew", tmp_path)
    with quick_machine(project):
        workflow.submit_image(project, "uploads/fail.png", "the-same")
        sent(project, ["pass"])
        assert workflow.find_executions(project, Filters()).total == 2
    assert workflow.find_executions(project, Filters()).total == 0
    assert not list(tmp_path.rglob("*.sqlite")), "nothing is left for a cleanup to find"
    with quick_machine(project):
        assert workflow.find_executions(project, Filters()).total == 0
        workflow.run_batch(project, ["uploads/reject.png"])
        assert workflow.find_executions(project, Filters()).outcomes == {"rejected": 1}


@pytest.mark.parametrize(
    "content", [b"no database, but a file of some length " * 9, b"SQLite format 3\0" + bytes(4000)]
)
def test_a_store_that_is_damaged_is_made_anew(fresh: Environment, content: bytes) -> None:
    workflow.find_executions(fresh, Filters())
    [file] = fresh.cache_dir.glob("*.sqlite")
    file.write_bytes(content)
    assert workflow.find_executions(fresh, Filters()).outcomes == ENDS


def test_a_store_that_cannot_be_is_said(fresh: Environment) -> None:
    fresh.cache_dir.parent.mkdir(parents=True)
    fresh.cache_dir.touch()
    with pytest.raises(ExecutionsUnavailable, match="Make room there"):
        workflow.find_executions(fresh, Filters())
    workflow.run_batch(fresh, ["uploads/pass.png"])  # which needs none


def test_an_export_has_what_step_functions_says_of_each(fresh: Environment) -> None:
    workflow.describe_rest(fresh)
    filters = Filters(status="FAILED")
    matching = workflow.find_executions(fresh, filters).matching
    labels = {"uploads/reject-5.png": "bicycle"}
    rows = json.loads(workflow.export_executions(fresh, filters, "json", labels))
    lines = list(csv.DictReader(io.StringIO(workflow.export_executions(fresh, filters, "csv", labels).decode())))
    assert len(rows) == len(lines) == matching
    for row, line in zip(rows, lines, strict=True):
        described = fresh.stepfunctions.describe_execution(executionArn=row["arn"])
        given = json.loads(described["input"])
        assert (row["name"], row["status"], row["error"], row["cause"]) == (
            described["name"], "FAILED", described["error"], described["cause"],
        )  # fmt: skip
        assert row["image"] == line["image"] == given["s3_key"]
        assert datetime.fromisoformat(row["started_at"]) == described["startDate"]
        assert float(line["seconds"]) == row["seconds"]
        assert row["true_label"] == labels.get(given["s3_key"])
        is_rejected = "reject" in given["s3_key"]
        assert (row["outcome"], row["predicted_label"]) == (
            ("rejected", "motorcycle") if is_rejected else ("failed", None)
        )
        assert json.loads(line["probabilities"]) == ([0.9, 0.1] if is_rejected else None)


def test_an_input_is_sent_again_as_it_was_under_another_name(own: Environment) -> None:
    arn, content = own.names.state_machine_arn, '{"s3_key": "reject",  "more": [1.50]}'
    own.stepfunctions.start_execution(stateMachineArn=arn, name="by-hand", input=content)
    again = workflow.submit_again(own, "by-hand").execution
    assert again is not None
    assert again.outcome == "rejected"
    described = own.stepfunctions.describe_execution(executionArn=own.names.execution_arn(again.name))
    assert described["input"] == content
    assert again.name.startswith("by-hand-")
    once_more = workflow.submit_again(own, again.name).execution
    assert once_more is not None
    assert len(once_more.name) == len(again.name), "names do not grow"
