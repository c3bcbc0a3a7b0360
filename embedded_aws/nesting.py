"""Executions that a task starts and waits for, as Step Functions has them; MiniStack (1.5.33) has an express one's way.

There such an execution takes the place of one that has its name, and no event tells of it; a failure is reported under
its own error, where Step Functions says `States.TaskFailed` with all of the execution as cause; and it runs on when its
parent was stopped.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

_PAUSE = 0.05  # between two looks whether the parent was stopped
_parent: ContextVar[dict[str, Any] | None] = ContextVar("parent", default=None)
_MEMBERS = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate", "input", "output")


def install() -> None:
    """Put our way in the place of MiniStack's, for `states:startExecution.sync` and `.sync:2`."""
    from ministack.services import stepfunctions

    execute, run, nested = stepfunctions._execute_task, stepfunctions._run_execution, _Nested(stepfunctions)

    def execute_known(state: Any, content: Any, execution: dict[str, Any], context: Any) -> Any:
        token = _parent.set(execution)
        try:
            return execute(state, content, execution, context)
        finally:
            _parent.reset(token)

    def run_and_tell(arn: str) -> None:
        try:
            run(arn)
        finally:
            nested.has_run(arn)

    stepfunctions._execute_task = execute_known
    stepfunctions._run_execution = run_and_tell
    stepfunctions._invoke_nested_start_execution_sync = nested.start_and_wait


class _Nested:
    """The executions that others wait for."""

    def __init__(self, stepfunctions: Any) -> None:
        self._stepfunctions = stepfunctions
        self._ended: dict[str, threading.Event] = {}

    def has_run(self, arn: str) -> None:
        if has_ended := self._ended.pop(arn, None):
            has_ended.set()

    def start_and_wait(self, resource: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a task answers whose execution has succeeded; raises MiniStack's error for any other end."""
        parent, request = _parent.get(), self._stepfunctions._nested_start_execution_request(given)
        _require_running(self._stepfunctions, parent)
        request.setdefault("name", self._stepfunctions.new_uuid())
        arn = f"{request['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request['name']}"
        has_ended = self._ended.setdefault(arn, threading.Event())  # two may wait for one: its start is answered again
        try:
            _start(self._stepfunctions, request)
        except self._stepfunctions._ExecutionError:
            self._ended.pop(arn, None)
            raise
        execution = self._stepfunctions._executions[arn]
        self._wait(execution, has_ended, parent)
        described = _described(execution, as_json=resource.endswith(".sync:2"))
        if execution["status"] != "SUCCEEDED":
            raise self._stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
        return described

    def _wait(self, execution: Mapping[str, Any], has_ended: threading.Event, parent: Mapping[str, Any] | None) -> None:
        """Until it has ended, which it does when its parent was stopped."""
        while execution["stopDate"] is None and not has_ended.wait(_PAUSE):
            if parent is not None and parent["status"] != "RUNNING":
                stop = {
                    "executionArn": execution["executionArn"],
                    "cause": "The execution that started it was stopped.",
                }
                self._stepfunctions._stop_execution(stop)


def _require_running(stepfunctions: Any, parent: Mapping[str, Any] | None) -> None:
    """A stopped execution starts nothing more; what this raises is caught by nobody who could still do anything."""
    if parent is not None and parent["status"] != "RUNNING":
        raise stepfunctions._ExecutionError("States.TaskFailed", "The execution was stopped.")


def _start(stepfunctions: Any, request: dict[str, Any]) -> None:
    status, _, body = stepfunctions._start_execution(request)
    if status >= 400:
        refusal = json.loads(body)
        code = str(refusal.get("__type", "")).rpartition("#")[2]
        raise stepfunctions._ExecutionError(f"StepFunctions.{code}Exception", refusal.get("message", ""))


def _described(execution: Mapping[str, Any], *, as_json: bool) -> dict[str, Any]:
    """Source: Step Functions developer guide, "Start workflow executions from a task state", and DescribeExecution.

    `.sync:2` gives input and output as JSON, `.sync` as texts of it.
    """
    members = (*_MEMBERS, "error", "cause")
    found = {name: execution[name] for name in members if execution.get(name) is not None}
    if execution["status"] != "SUCCEEDED":
        found.pop("output", None)  # in which MiniStack has a failure's error
    for name in ("startDate", "stopDate"):
        found[name] = int(datetime.fromisoformat(found[name].replace("Z", "+00:00")).timestamp() * 1000)
    for name in ("input", "output") if as_json else ():
        if name in found:
            found[name] = json.loads(found[name])
    return {name[0].upper() + name[1:]: value for name, value in found.items()}
