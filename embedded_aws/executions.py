"""Starting executions as Step Functions does: what it refuses, what it answers again, and without a pause (1.5.33)."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

_FORBIDDEN = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]""")
"""Source: Step Functions API reference, StartExecution, parameter `name`."""
_MAX_NAME = 80
_MAX_INPUT_BYTES = 262_144

Refusal = tuple[str, str]
"""An error's code and its sentence."""


def install() -> None:
    """Put AWS's checks before MiniStack's StartExecution, and take away the pause before each first state."""
    from ministack.core.responses import error_response_json
    from ministack.services import stepfunctions

    start = stepfunctions._start_execution

    def start_checked(request: dict[str, Any]) -> Any:
        if refusal := refused(request):
            return error_response_json(*refusal, 400)
        if (running := _same_running(stepfunctions, request)) is not None:
            return running
        return start(request)

    stepfunctions._start_execution = start_checked
    stepfunctions.time = _Time()


def refused(request: dict[str, Any]) -> Refusal | None:
    """Why Step Functions refuses to start an execution; None when it does not.

    Source: Step Functions API reference, StartExecution, and the service's own messages.
    """
    name, content = request.get("name"), request.get("input", "{}")
    if name is not None and len(name) > _MAX_NAME:
        return "ValidationException", _too_long(f"Value '{name}' at 'name'", _MAX_NAME)
    if name is not None and (not name or _FORBIDDEN.search(name)):
        return "InvalidName", f"Invalid Name: '{name}'"
    if len(content.encode()) > _MAX_INPUT_BYTES:
        return "ValidationException", _too_long("Value at 'input'", _MAX_INPUT_BYTES)
    try:
        json.loads(content)
    except ValueError as error:
        return "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
    return None


def _too_long(what: str, most: int) -> str:
    constraint = f"Member must have length less than or equal to {most}"
    return f"1 validation error detected: {what} failed to satisfy constraint: {constraint}"


def _same_running(stepfunctions: Any, request: dict[str, Any]) -> Any:
    """The answer of before, when an execution of this name runs with this input: to start it again changes nothing."""
    from ministack.core.responses import json_response

    machine = stepfunctions._state_machines.get(stepfunctions._resolve_state_machine_arn(request["stateMachineArn"]))
    if machine is None or not request.get("name"):
        return None
    arn = f"{request['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request['name']}"
    execution = stepfunctions._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING" or execution["input"] != request.get("input", "{}"):
        return None
    return json_response({"executionArn": arn, "startDate": execution["startDate"]})


class _Time:
    """The module `time`, as stepfunctions.py sees it: its pause before an execution's first state serves nobody."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        if sys._getframe(1).f_code.co_name != "_run_execution":
            time.sleep(seconds)
