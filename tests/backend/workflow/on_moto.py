"""moto's interpreter of Amazon States Language, which is LocalStack's, in this process; it waits for nothing."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import pytest
from jsonata import Jsonata

from backend.aws.polling import attempts
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


def on_moto(definitions: Definitions, content: Any, tasks: Tasks) -> Ended:
    """What moto makes of an execution of the first definition."""
    models = _moto()
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_aws_sdk,
        state_task_service_callback,
        state_task_service_sfn,
        state_task_service_sns,
    )
    from moto.stepfunctions.parser.asl.jsonata import jsonata as of_moto

    backend = models.StepFunctionsParserBackend(REGION, ACCOUNT)
    with pytest.MonkeyPatch.context() as patch, tasks.until_over():
        patch.setattr(of_moto, "_eval_jsonata", lambda expression: Jsonata.jsonata(expression).evaluate(None))
        patch.setattr(retrier_decl, "time", _NoTime)
        patch.setattr(state_task_service_sfn.StateTaskServiceSfn, "_normalise_response", _in_step_functions_names)
        patch.setattr(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", 0.01)
        for module in (
            lambda_eval_utils,
            state_task_service_sns,
            state_task_service_aws_sdk,
            state_task_service_sfn,
        ):
            patch.setattr(module, "boto_client_for", lambda **_: _Clients(tasks, backend))
        for name, definition in definitions.items():
            backend.create_state_machine(name, json.dumps(definition), ROLE_ARN)
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{next(iter(definitions))}"
        execution = backend.start_execution(machine, "one", json.dumps(content))
        for _ in attempts("The execution", LIMIT_SECONDS, longest_pause=0.01):
            if execution.status != "RUNNING":
                break
        of_all = [one for found in backend.state_machines for one in found.executions]
        started = [one.to_history_output()["events"] for one in of_all]
        return ended(execution.to_describe_output(), execution.to_history_output()["events"], started, tasks)


@cache
def _moto() -> Any:
    """Its interpreter, which reads a definition once: no execution leaves anything behind in what was read."""
    models = pytest.importorskip("moto.stepfunctions.parser.models")
    models.AmazonStateLanguageParser.parse = staticmethod(cache(models.AmazonStateLanguageParser.parse))
    return models


def _in_step_functions_names(_service: Any, response: dict[str, Any], **_: Any) -> None:
    """Step Functions' names for the SDK's, of which moto has left the place empty where LocalStack has it."""
    for name in list(response):
        response[name[0].upper() + name[1:]] = response.pop(name)


class _NoTime:
    """The module `time`, where moto pauses before it tries again."""

    @staticmethod
    def sleep(_seconds: float) -> None:
        return


class _Clients:
    """Lambda, SNS, S3 and Step Functions, as moto calls them with boto3."""

    def __init__(self, tasks: Tasks, backend: Any) -> None:
        self._tasks = tasks
        self._backend = backend
        from moto.stepfunctions.exceptions import ExecutionAlreadyExists

        self._already_there = ExecutionAlreadyExists

    def invoke(self, **given: Any) -> dict[str, Any]:
        answer = self._answer(given["FunctionName"], json.loads(given["Payload"]))
        if isinstance(answer, Raises):
            return {"FunctionError": "Unhandled"} | _invoked(answer.payload())
        return _invoked(answer)

    def publish(self, **given: Any) -> dict[str, str]:
        self._answer(given["TopicArn"], given)
        return {"MessageId": "1"}

    def list_objects_v2(self, **given: Any) -> Any:
        return dict(self._answer("s3", given))

    def start_execution(self, **given: Any) -> Any:
        request = {name[0].lower() + name[1:]: value for name, value in given.items()}
        self._answer("states", request)
        try:
            started = self._backend.start_execution(request["stateMachineArn"], request["name"], request["input"])
        except self._already_there as error:
            raise Refused("ExecutionAlreadyExists").raised() from error
        return {"ExecutionArn": started.execution_arn, "StartDate": started.start_date}

    def describe_execution(self, executionArn: str) -> Any:  # noqa: N803  boto3's
        return self._backend.describe_execution(executionArn).to_describe_output()

    def _answer(self, arn: str, given: Any) -> Any:
        answer = self._tasks.answer(arn, given)
        if isinstance(answer, Refused):
            raise answer.raised()
        return answer


def _invoked(payload: Any) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(payload).encode())}
