"""MiniStack's interpreter of Amazon States Language, as it is mended here, in this process; it waits for nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from embedded_aws import executions, nesting
from tests.backend.workflow.executed import (
    ACCOUNT,
    LIMIT_SECONDS,
    REGION,
    ROLE_ARN,
    Definitions,
    Ended,
    Raises,
    Refused,
    Tasks,
    ended,
)

_MENDED = ("_start_execution", "_run_execution", "_execute_task", "_invoke_nested_start_execution_sync", "time")


def on_ministack(definitions: Definitions, content: Any, tasks: Tasks) -> Ended:
    """What MiniStack, as it is mended here, makes of an execution of the first definition."""
    stepfunctions = pytest.importorskip("ministack.services.stepfunctions")
    with pytest.MonkeyPatch.context() as patch, tasks.until_over():
        for name in _MENDED:
            patch.setattr(stepfunctions, name, getattr(stepfunctions, name))
        for name in ("_state_machines", "_executions"):
            patch.setattr(stepfunctions, name, type(stepfunctions._executions)())
        executions.install()
        nesting.install()
        patch.setattr(stepfunctions, "_SFN_WAIT_SCALE", 0)
        patch.setattr(stepfunctions, "_emit_execution_status_event", lambda _execution: None)
        _answer(stepfunctions, patch, tasks)
        _answer_to_starts(stepfunctions, patch, tasks)
        for name, definition in definitions.items():
            request = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE_ARN}
            status, _, said = stepfunctions._create_state_machine(request)
            assert status == 200, said
        execution = stepfunctions._executions[_run(stepfunctions, next(iter(definitions)), content)]
        started = [one["events"] for one in stepfunctions._executions.values()]
        return ended(execution, execution["events"], started, tasks)


def _answer(stepfunctions: Any, patch: pytest.MonkeyPatch, tasks: Tasks) -> None:
    def call_lambda(function: str, given: Any) -> Any:
        answer = tasks.answer(function, given)
        if isinstance(answer, Raises):
            raise stepfunctions._ExecutionError(answer.error, json.dumps(answer.payload()))
        if isinstance(answer, Refused):
            raise stepfunctions._ExecutionError(f"Lambda.{answer.code}", answer.message)
        return answer

    def publish(_resource: str, given: Mapping[str, Any]) -> Any:
        if isinstance(answer := tasks.answer(given["TopicArn"], given), Refused):
            raise stepfunctions._ExecutionError(f"SNS.{answer.code}Exception", answer.message)
        return {"MessageId": "1"}

    def list_objects(_resource: str, given: Mapping[str, Any]) -> Any:
        if isinstance(answer := tasks.answer("s3", given), Refused):
            raise stepfunctions._ExecutionError(f"S3.{answer.code}Exception", answer.message)
        return answer

    patch.setattr(stepfunctions, "_call_lambda", call_lambda)
    patch.setattr(stepfunctions, "_invoke_aws_sdk_integration", list_objects)
    patch.setattr(stepfunctions, "_resolve_lambda_function_ref", lambda function, **_: function)
    patch.setitem(stepfunctions._SERVICE_DISPATCH, "arn:aws:states:::sns:publish", publish)


def _answer_to_starts(stepfunctions: Any, patch: pytest.MonkeyPatch, tasks: Tasks) -> None:
    """Those of a task; what is started runs, unless the answer is a refusal."""
    start_nested = nesting._start

    def start(module: Any, request: dict[str, Any]) -> None:
        if isinstance(answer := tasks.answer("states", request), Refused):
            raise stepfunctions._ExecutionError(f"StepFunctions.{answer.code}Exception", answer.message)
        start_nested(module, request)

    patch.setattr(nesting, "_start", start)


def _run(stepfunctions: Any, name: str, content: Any) -> str:
    """Start an execution, and return its ARN when all of it has run."""
    run, has_run = stepfunctions._run_execution, threading.Event()
    started = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{name}:one"

    def run_and_tell(arn: str) -> None:
        run(arn)
        if arn == started:
            has_run.set()

    stepfunctions._run_execution = run_and_tell
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    stepfunctions._start_execution({"stateMachineArn": machine, "name": "one", "input": json.dumps(content)})
    assert has_run.wait(LIMIT_SECONDS), "the execution does not end"
    return started
