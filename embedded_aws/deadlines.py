"""An execution's own `TimeoutSeconds`, which MiniStack (1.5.33) does not know, and ends that stay as they are."""

from __future__ import annotations

import contextvars
import heapq
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)
_CAUSE = "The execution did not end within the {seconds} seconds that its state machine gives it."


def install() -> None:
    """End an execution that takes longer than its state machine allows, as Step Functions does: as TIMED_OUT."""
    from ministack.services import stepfunctions

    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution
    deadlines = _Deadlines()

    def run_until(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        machine = execution and stepfunctions._state_machines.get(execution["stateMachineArn"])
        seconds = _timeout(machine["definition"]) if machine else None
        if seconds is not None:
            context = contextvars.copy_context()  # account and region, which a thread of its own has not
            deadlines.add(seconds, lambda: context.run(_time_out, stepfunctions, execution, seconds))
        run(arn)

    def fail_once(execution: dict[str, Any], error: str, cause: str) -> None:
        """A task that was running when its execution was ended fails on its own, later."""
        if not execution.get("stopDate"):
            fail(execution, error, cause)

    stepfunctions._run_execution = run_until
    stepfunctions._fail_execution = fail_once


def _timeout(definition: str) -> float | None:
    try:
        seconds = json.loads(definition).get("TimeoutSeconds")
    except (ValueError, AttributeError):  # MiniStack says what is wrong with it
        return None
    return seconds if isinstance(seconds, int | float) else None


def _time_out(stepfunctions: Any, execution: dict[str, Any], seconds: float) -> None:
    if execution["status"] != "RUNNING":
        return
    details = {"error": "States.Timeout", "cause": _CAUSE.format(seconds=seconds)}
    execution |= {"status": "TIMED_OUT"} | details
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": details})
    execution["stopDate"] = stepfunctions.now_iso()  # last of all: then the journal takes it for ended
    stepfunctions._emit_execution_status_event(execution)


class _Deadlines:
    """What is to be done later, done by one thread, which begins with the first of it."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._sooner = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, act: Callable[[], None]) -> None:
        """Act so many seconds from now."""
        with self._sooner:
            entry = time.monotonic() + seconds, next(self._numbers), act
            heapq.heappush(self._due, entry)
            if self._due[0] is entry:
                self._sooner.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="deadlines", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._sooner:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._sooner.wait(self._due[0][0] - time.monotonic() if self._due else None)
                _, _, act = heapq.heappop(self._due)
            try:
                act()
            except Exception:  # the next one is due all the same
                _log.exception("an execution could not be timed out")
