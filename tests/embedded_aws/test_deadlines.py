"""What ends an execution in time, and that its end is its end; how one times out is in the tests of notifications."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from backend.aws.polling import attempts
from embedded_aws import deadlines

stepfunctions = pytest.importorskip("ministack.services.stepfunctions")


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How MiniStack fails an execution, with ours before it."""
    monkeypatch.setattr(stepfunctions, "_run_execution", stepfunctions._run_execution)
    monkeypatch.setattr(stepfunctions, "_fail_execution", lambda one, *said: one.update(error=said[0]))
    deadlines.install()
    return stepfunctions._fail_execution


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_a_task_that_fails_after_its_executions_end_changes_nothing(fail: Any, status: str) -> None:
    ended = {"status": status, "error": "mine", "stopDate": "2026-01-31T09:30:12Z"}
    execution = dict(ended)
    fail(execution, "TaskFailed", "too late")
    assert execution == ended


def test_a_task_that_fails_before_fails_it(fail: Any) -> None:
    execution = {"status": "RUNNING", "stopDate": None}
    fail(execution, "TaskFailed", "in time")
    assert execution["error"] == "TaskFailed"


def test_what_is_due_sooner_does_not_wait_for_what_came_before_it() -> None:
    due, acted = deadlines._Deadlines(), threading.Event()
    due.add(3600, acted.clear)
    for _ in attempts("The thread's waiting", 30):
        if due._sooner._waiters:  # type: ignore[attr-defined]  # which Condition tells nobody
            break
    due.add(0, acted.set)
    assert acted.wait(30)


def test_one_that_fails_keeps_no_other() -> None:
    due, acted = deadlines._Deadlines(), threading.Event()

    def fails() -> None:
        raise ZeroDivisionError

    due.add(0, fails)
    due.add(0, acted.set)
    assert acted.wait(30)


@pytest.mark.parametrize("definition", ["", "[]", "17", '{"TimeoutSeconds": "x"}', "{}"])
def test_a_definition_that_gives_no_time_sets_no_deadline(definition: str) -> None:
    assert deadlines._timeout(definition) is None
