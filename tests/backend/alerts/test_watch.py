"""Evaluating while the app runs, and by a command."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend import alerts, monitor
from backend.alerts import Comparison, Kept, Rule, State
from backend.aws.environment import Environment
from backend.errors import AwsRequestError
from backend.watch import Watch, current_watch, start_watch, stop_watch
from tests.backend.alerts.conftest import Record, capture

SECONDS = 60.0


class Evaluations:
    """Counts them, and fails in the ways it is told to, one after the other."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.number = 0
        self.are_over = threading.Event()

    def __call__(self, _environment: Environment) -> Kept:
        self.number += 1
        failure = self.failures.pop(0) if self.failures else None
        if not self.failures:
            self.are_over.set()
        if failure is not None:
            raise failure
        return Kept()


def test_an_evaluation_that_fails_is_said_and_the_next_one_follows(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    evaluations = Evaluations(AwsRequestError("Not now."), ZeroDivisionError("one"), None)
    monkeypatch.setattr(alerts, "evaluate", evaluations)
    watching = Watch(environment, 0.001)
    problems = []
    for _ in range(2):
        watching.look()
        problems.append(watching.problem)
    assert problems == ["Not now.", "Unexpected error: ZeroDivisionError('one'). The app's log has the details."]
    assert "ZeroDivisionError" in caplog.text
    watching.start()
    assert evaluations.are_over.wait(SECONDS)
    watching.stop(SECONDS)
    assert watching.problem is None
    assert watching.looked_at is not None


def test_it_is_started_and_ended_with_the_app_and_not_where_the_setting_is_0(environment: Environment) -> None:
    start_watch(environment)
    try:
        watching = current_watch()
        assert watching is not None
        assert watching.seconds == 60.0
        assert "alerts" in {thread.name for thread in threading.enumerate()}
    finally:
        stop_watch(SECONDS)
    start_watch(replace(environment, settings=environment.settings.model_copy(update={"alerts_seconds": 0.0})))
    assert current_watch() is None
    assert "alerts" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def silent(project: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A project with a record of three hours ago, which the command opens."""
    capture(project, [Record(datetime.now(UTC) - timedelta(hours=3), [0.9, 0.1])])
    monkeypatch.setattr(monitor, "open_environment", lambda _settings: project)
    return project


def test_the_command_ends_with_how_the_rules_stand(silent: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert monitor.main([]) == 0
    alerts.save_rule(silent, Rule("Confidence", "mean_confidence", Comparison.LESS, 0.1, period_seconds=60))
    assert monitor.main([]) == 2
    assert (
        capsys.readouterr().out
        == "INSUFFICIENT DATA: Confidence: Mean confidence below 0.1 in 1 of 1 period of 1 min\n"
    )
    alerts.save_rule(silent, Rule("Silence", "silence", Comparison.GREATER, 5.0, period_seconds=60))
    assert monitor.main(["--json"]) == 1
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert {name: found["state"] for name, found in printed.items()} == {
        "Confidence": "INSUFFICIENT_DATA",
        "Silence": "ALARM",
    }
    assert 115 <= printed["Silence"]["value"] <= 120, "as it was an hour ago: the file came that late"
    assert "Nobody was told that Silence is ALARM" in captured.err, "there is no topic"


@pytest.mark.parametrize(
    ("states", "has_problems", "code"),
    [
        ([], False, 0),
        ([State.OK, State.OK], False, 0),
        ([State.OK, State.INSUFFICIENT_DATA], False, 2),
        ([State.ALARM, State.INSUFFICIENT_DATA], False, 1),
        ([State.ALARM], True, 1),
        ([State.OK], True, 3),
    ],
)
def test_an_alarm_comes_before_all_else_in_the_exit_code(states: list[State], has_problems: bool, code: int) -> None:
    assert monitor.exit_code(states, has_problems=has_problems) == code


def test_a_command_that_cannot_evaluate_says_why(silent: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    silent.s3.put_object(Bucket=silent.bucket, Key="alerts/rules.json", Body=b"{")
    assert monitor.main([]) == 3
    assert "cannot be read" in capsys.readouterr().err


def test_a_command_that_watches_goes_on_after_a_failure(
    silent: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluations = Evaluations(AwsRequestError("Not now."), None, KeyboardInterrupt())  # type: ignore[arg-type]
    monkeypatch.setattr(alerts, "evaluate", evaluations)
    monkeypatch.setattr(threading.Event, "wait", lambda *_: False)
    with pytest.raises(KeyboardInterrupt):
        monitor.main(["--watch", "60"])
    assert evaluations.number == 3
    assert capsys.readouterr().err == "error: Not now.\n"
