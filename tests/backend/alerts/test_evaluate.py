"""Evaluating: what is kept and told of changes, by one evaluation after another, and by several at once."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import msgspec
import pytest

from backend import alerts, monitoring, workflow
from backend.alerts import (
    Comparison,
    Figure,
    Kept,
    MissingData,
    Notice,
    Reading,
    Rule,
    State,
    Unit,
    Windows,
    evaluating,
)
from backend.alerts.advancing import advance
from backend.alerts.standings import read_kept, replace_kept
from backend.aws.environment import Environment
from backend.errors import AwsRequestError, CaptureUnavailable
from tests.capture_lines import capture_line
from tests.projects import of_project

MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
LATE = timedelta(minutes=5)
"""How long records are waited for where no delivery was seen."""
_numbers = itertools.count(1)


class Dial:
    """A figure whose value by minute is set: what is read of records is tested elsewhere."""

    def __init__(self) -> None:
        self.values: dict[datetime, float] = {}
        self.asked: list[Windows] = []

    def read(self, _question: alerts.Question, windows: Windows) -> Sequence[Reading | None]:
        self.asked.append(windows)
        starts = [windows.end_of(number) - windows.period for number in range(windows.count)]
        return [Reading(self.values[start], 100) if start in self.values else None for start in starts]

    def turn(self, *values: float | None, start: int = 0) -> None:
        """The values of the minutes from this one after the start on; None for none."""
        minutes = (START + (start + number) * MINUTE for number in range(len(values)))
        self.values |= {at: value for at, value in zip(minutes, values, strict=True) if value is not None}


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Dial:
    dial = Dial()
    monkeypatch.setitem(alerts.FIGURES, "dial", Figure("dial", "Dial", Unit.SHARE, dial.read))
    return dial


@pytest.fixture
def told(foundations: Environment) -> Iterator[Environment]:
    """The project with the topic, without rules and with an empty inbox."""
    yield foundations
    for rule in alerts.read_rules(foundations):
        alerts.delete_rule(foundations, rule.rule_id)
    workflow.clear_inbox(foundations)


def watch(project: Environment, **changes: Any) -> Rule:
    """Keep a rule: ALARM where the dial is below a half for a minute."""
    rule = Rule(f"rule {next(_numbers)}", "dial", Comparison.LESS, 0.5, period_seconds=60)
    return alerts.save_rule(project, msgspec.structs.replace(rule, **changes))


def evaluate_at(project: Environment, minute: float) -> Kept:
    """Evaluate when the windows until this minute after the start are complete."""
    return alerts.evaluate(project, lambda: START + minute * MINUTE + LATE)


def states(kept: Kept, rule: Rule) -> list[tuple[int, State]]:
    """What the rule changed to, and after how many minutes."""
    return [((change.at - START) // MINUTE, change.after) for change in kept.history(rule.rule_id)]


def inbox(project: Environment) -> list[workflow.Notification]:
    found = workflow.read_inbox(project)
    assert found is not None
    return list(found.notifications)


def test_a_rule_alarms_once_its_figure_is_wrong_and_people_are_told_once(told: Environment, dial: Dial) -> None:
    rule = watch(told, name="Dial is low")
    dial.turn(0.9, 0.2, 0.2, 0.7)
    for minute in (1, 2, 2.5, 3, 4):
        evaluate_at(told, minute)
    kept = alerts.read_standings(told)
    assert states(kept, rule) == [(1, State.OK), (2, State.ALARM), (4, State.OK)]
    subjects = [notification.subject for notification in reversed(inbox(told))]
    assert subjects == ["Scones Unlimited: ALARM: Dial is low", "Scones Unlimited: OK: Dial is low"]
    newest = inbox(told)[-1]
    assert newest.kind == "alert"
    assert newest.text.splitlines() == [
        "ALARM: Dial is low was OK until 2026-01-02 03:02:00 UTC.",
        "Dial was 20 % lately: below 50 % in 1 of the last 1 period of 1 min.",
        "The rule: Dial below 50 % in 1 of 1 period of 1 min.",
        "See the Alerts page.",
    ]


def test_a_message_says_in_its_attributes_what_it_is_about(
    told: Environment, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = told.sqs.create_queue(QueueName=f"{told.project}-seen")["QueueUrl"]
    arn = told.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told.sns.subscribe(TopicArn=told.names.topic_arn, Protocol="sqs", Endpoint=arn)
    watch(told, name="Too low, über alles")
    dial.turn(0.1)
    evaluate_at(told, 1)
    [message] = told.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    told.sqs.delete_queue(QueueUrl=queue)
    envelope = json.loads(message["Body"])
    assert {name: value["Value"] for name, value in envelope["MessageAttributes"].items()} == {
        "kind": "alert",
        "state": "ALARM",
        "rule": "Too low, über alles",
    }
    assert envelope["Subject"] == "Scones Unlimited: ALARM: Too low, ?ber alles"


def test_a_new_rule_that_is_ok_is_no_news(told: Environment, dial: Dial) -> None:
    watch(told)
    dial.turn(0.9)
    kept = evaluate_at(told, 1)
    assert [change.notice for change in kept.changes][-1:] == [Notice.NONE]
    assert inbox(told) == []


def test_windows_that_nobody_evaluated_are_made_up_for_and_told_of_once(told: Environment, dial: Dial) -> None:
    rule = watch(told)
    dial.turn(0.9, 0.1, 0.9, 0.1, 0.9, 0.1)
    evaluate_at(told, 1)
    kept = evaluate_at(told, 6)
    alarm, ok = State.ALARM, State.OK
    assert states(kept, rule) == [(1, ok), (2, alarm), (3, ok), (4, alarm), (5, ok), (6, alarm)]
    assert [change.noticed_at for change in kept.history(rule.rule_id)[1:]] == [START + 6 * MINUTE + LATE] * 5
    assert len(inbox(told)) == 1


def test_one_after_another_and_all_at_once_say_the_same(project: Environment, dial: Dial) -> None:
    """With M of N, and a state that is retained where data is missing."""
    dial.turn(0.9, 0.9, 0.9, 0.1, 0.9, 0.1, None, None, None, None, None, 0.9, 0.9, None, 0.1, 0.1)
    rules = [
        watch(project, datapoints_to_alarm=2, evaluation_periods=3, missing=missing)
        for missing in (MissingData.IGNORE, MissingData.MISSING)
    ]
    evaluate_at(project, 1)
    for minute in range(2, 17):
        evaluate_at(project, minute)
    each = [states(alerts.read_standings(project), rule) for rule in rules]
    project.s3.delete_object(Bucket=project.bucket, Key="alerts/states.json")
    evaluate_at(project, 1)
    kept = evaluate_at(project, 16)
    assert [states(kept, rule) for rule in rules] == each
    ok, alarm, insufficient = State.OK, State.ALARM, State.INSUFFICIENT_DATA
    assert each[0] == [(1, ok), (6, alarm), (9, ok), (16, alarm)]
    assert each[1] == [(1, ok), (6, alarm), (9, ok), (10, alarm), (11, insufficient), (12, ok), (16, alarm)]


def test_a_window_is_not_evaluated_before_its_records_can_be_there(project: Environment, dial: Dial) -> None:
    watch(project)
    dial.turn(0.1)
    assert evaluate_at(project, 0.9).in_alarm == []
    assert [windows.end for windows in dial.asked] == [START]
    assert len(evaluate_at(project, 1).in_alarm) == 1


def test_who_comes_second_finds_the_windows_evaluated_and_changes_nothing() -> None:
    """As who loses a conditional write does, and evaluates on top of what the other wrote."""
    rule = Rule("one", "traffic", Comparison.LESS, 0.5, period_seconds=60, rule_id="one", revision=1)
    windows = Windows(START, MINUTE, 8)
    readings = [Reading(value, None) for value in (0.9, 0.9, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1)]
    begun, _ = advance(rule, None, Windows(START, MINUTE, 3), readings[:3], START)
    first, changes = advance(rule, begun, windows, readings, START)
    assert [change.after for change in changes] == [State.ALARM, State.OK, State.ALARM, State.OK, State.ALARM]
    assert [change.notice for change in changes] == [Notice.NONE] * 4 + [Notice.DUE]
    assert advance(rule, first, windows, readings, START + MINUTE) == (first, [])


def test_of_several_who_evaluate_at_once_one_tells(
    told: Environment, dial: Dial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a cache of its own, as on machines of their own; all have read the states before any writes them."""
    rules = {watch(told).rule_id for _ in range(3)}
    dial.turn(0.1)
    elsewhere = [of_project(told, told.project, tmp_path / str(number)) for number in range(4)]
    together, has_waited = Barrier(4), threading.local()

    def replace_together(environment: Environment, kept: Kept, version: str | None) -> bool:
        if not hasattr(has_waited, "once"):
            has_waited.once = together.wait(60)
        return replace_kept(environment, kept, version)

    monkeypatch.setattr(evaluating, "replace_kept", replace_together)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: evaluate_at(one, 1), elsewhere))
    changes = [change for change in alerts.read_standings(told).changes if change.rule_id in rules]
    assert sorted((change.rule_id, change.after, change.notice) for change in changes) == sorted(
        (rule_id, State.ALARM, Notice.SENT) for rule_id in rules
    )
    assert len(inbox(told)) == 3
    assert all(set(kept.in_alarm) == rules for kept in found)


def test_what_who_claimed_it_did_not_tell_is_told_by_the_next_after_a_minute(
    told: Environment, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process is killed between writing a change and telling it."""
    watch(told, name="Killed")
    dial.turn(0.1, 0.1, 0.1)

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(evaluating, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate_at(told, 1)
    evaluate_at(told, 1.5)
    assert inbox(told) == [], "it may still be telling"
    evaluate_at(told, 2.1)
    evaluate_at(told, 3)
    assert [notification.subject for notification in inbox(told)] == ["Scones Unlimited: ALARM: Killed"]


def test_that_nobody_could_be_told_is_said_and_tried_again(
    told: Environment, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = watch(told, name="Untold")
    dial.turn(0.1, 0.1, 0.1)

    def refused(*_arguments: object) -> None:
        raise AwsRequestError("Not now.")

    with monkeypatch.context() as context:
        context.setattr(evaluating, "tell", refused)
        kept = evaluate_at(told, 1)
    assert kept.problems == {rule.rule_id: "Nobody was told that Untold is ALARM: Not now."}
    assert rule.rule_id in kept.in_alarm
    kept = evaluate_at(told, 2.1)
    assert kept.problems == {}
    assert len(inbox(told)) == 1


def test_a_figure_that_cannot_be_read_is_said_and_the_other_rules_are_evaluated(
    project: Environment, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> list[Reading | None]:
        raise CaptureUnavailable("The disk is full.")

    monkeypatch.setitem(alerts.FIGURES, "broken", Figure("broken", "Broken", Unit.SHARE, broken))
    bad, good = watch(project, figure="broken"), watch(project)
    dial.turn(0.9)
    kept = evaluate_at(project, 1)
    assert kept.problems == {bad.rule_id: "The disk is full."}
    assert set(kept.standings) == {good.rule_id}


def test_records_that_cannot_be_brought_in_are_no_silence(
    project: Environment, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = watch(project, figure="traffic", comparison=Comparison.LESS, threshold=1.0)

    def denied(*_arguments: object) -> None:
        raise AwsRequestError("Not yours.")

    with monkeypatch.context() as context:
        context.setattr(monitoring, "refresh_captures", denied)
        kept = evaluate_at(project, 1)
    assert "Not yours." in kept.problems[rule.rule_id]
    assert kept.standings == {}
    assert evaluate_at(project, 1).in_alarm == [rule.rule_id]


def test_a_rule_that_was_changed_is_evaluated_anew_and_a_paused_one_is_not(project: Environment, dial: Dial) -> None:
    rule = watch(project)
    dial.turn(0.6, 0.6, 0.6)
    assert evaluate_at(project, 1).standings[rule.rule_id].state is State.OK
    stricter = alerts.save_rule(project, msgspec.structs.replace(rule, threshold=0.8))
    assert evaluate_at(project, 1).standings[rule.rule_id].state is State.ALARM
    paused = alerts.save_rule(project, msgspec.structs.replace(stricter, is_paused=True))
    assert evaluate_at(project, 2).standings == {}
    alerts.save_rule(project, msgspec.structs.replace(paused, is_paused=False))
    assert evaluate_at(project, 3).in_alarm == [rule.rule_id]
    alerts.delete_rule(project, rule.rule_id)
    kept = evaluate_at(project, 4)
    assert (kept.in_alarm, len(kept.history(rule.rule_id))) == ([], 3)


def test_the_history_keeps_the_newest_changes(project: Environment, dial: Dial) -> None:
    rule = watch(project)
    dial.turn(*[0.1, 0.9] * 300)
    evaluate_at(project, 1)
    kept = evaluate_at(project, 600)
    assert len(kept.changes) == 500
    assert states(kept, rule)[-1] == (600, State.OK)


def test_without_a_rule_nothing_is_read_or_written(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(monitoring, "refresh_captures", read)
    assert alerts.evaluate(project) == Kept()
    assert "Contents" not in project.s3.list_objects_v2(Bucket=project.bucket)


def test_states_are_replaced_only_as_they_were_read(project: Environment) -> None:
    _, version = read_kept(project)
    assert replace_kept(project, Kept(evaluated_at=START), version)
    assert not replace_kept(project, Kept(evaluated_at=START + MINUTE), version)
    kept, second = read_kept(project)
    assert kept.evaluated_at == START
    assert replace_kept(project, Kept(), second)


def test_what_is_in_alarm_stands_in_model_monitors_file(project: Environment, dial: Dial) -> None:
    watch(project, name="Sure enough")
    dial.turn(0.1, 0.9)
    evaluate_at(project, 1)

    def violations() -> list[dict[str, str]]:
        key = "alerts/model-monitor/constraint_violations.json"
        content = project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()
        found: list[dict[str, str]] = json.loads(content)["violations"]
        return found

    [violation] = violations()
    assert violation["feature_name"] == "confidence"
    assert violation["constraint_check_type"] == "baseline_drift_check"
    assert violation["description"].startswith("Sure enough: Dial below 50 % in 1 of 1 period of 1 min.")
    evaluate_at(project, 2)
    assert violations() == []


def test_a_rule_on_another_source_is_evaluated_from_its_files(project: Environment, tmp_path: Path) -> None:
    """Capture files of somebody else's endpoint on this machine, with classes that were named here."""
    hour = tmp_path / "theirs" / "blue" / f"{START:%Y/%m/%d/%H}"
    hour.mkdir(parents=True)
    lines = [capture_line(answer, f"{START:%Y-%m-%dT%H:%M:%S}Z") for answer in ([0.9, 0.1], [0.2, 0.8], [0.3, 0.7])]
    (hour / "00-00-000-a.jsonl").write_bytes(b"".join(lines))
    source = monitoring.add_source(project, str(tmp_path / "theirs"), ("cat", "dog"))
    fields = {"figure": "share_of_class", "label": "dog", "source": source.url, "comparison": Comparison.GREATER}
    rule = watch(project, **fields)
    other = watch(project, **fields, variant="green")
    monitoring.refresh_captures(project, source)
    kept = alerts.evaluate(project, lambda: START + timedelta(hours=1) + MINUTE)  # the file came late
    assert kept.standings[rule.rule_id].value == pytest.approx(2 / 3)
    assert kept.in_alarm == [rule.rule_id]
    assert kept.standings[other.rule_id].state is State.INSUFFICIENT_DATA
