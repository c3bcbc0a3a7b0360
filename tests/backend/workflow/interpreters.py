"""Two interpreters of Amazon States Language, strangers to each other: MiniStack's, and moto's, which is LocalStack's.

Both run in this process, with the same answers in the place of Lambda and SNS, and wait for nothing. Only JSONata's own
expressions are evaluated by one library in both: moto leaves them to a Java one.
"""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jsonata import Jsonata

from backend.aws.polling import attempts
from backend.workflow.history import read_visits
from embedded_aws import executions, nesting

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/any"
LIMIT_SECONDS = 30


@dataclass(frozen=True)
class Raises:
    """A function's answer that is an exception of its own."""

    error: str
    message: str = "Something is wrong."

    def payload(self) -> dict[str, Any]:
        return {"errorType": self.error, "errorMessage": self.message, "stackTrace": []}


@dataclass(frozen=True)
class Refused:
    """A service that does not do what it is asked; of Lambda it becomes `Lambda.<code>`."""

    code: str
    message: str = "The service says no."

    def raised(self) -> ClientError:
        response = {"HTTPStatusCode": 400, "RequestId": "1"}
        said = {"Error": {"Code": self.code, "Message": self.message}, "ResponseMetadata": response}
        return ClientError(said, "Any")  # type: ignore[arg-type]  # which knows of more metadata


HANGS = object()
"""An answer that does not come."""


@dataclass
class Tasks:
    """What tasks answer, by the last part of their function's or topic's ARN: one after another, the last ever again.

    `asked` has what each was given.
    """

    answers: Mapping[str, Sequence[Any] | Callable[[Any], Any]]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, arn: str, content: Any) -> Any:
        name = arn.rpartition(":")[2]
        with self._lock:
            number = self.calls[name]
            self.asked.append((name, content))
        answers = self.answers.get(name, [{}])
        found = answers(content) if callable(answers) else answers[min(number, len(answers) - 1)]
        if found is HANGS:
            self._is_over.wait(LIMIT_SECONDS)
            return None
        return found

    @contextmanager
    def until_over(self) -> Iterator[None]:
        """Let go of what hangs, in the end."""
        try:
            yield
        finally:
            self._is_over.set()

    @property
    def calls(self) -> Counter[str]:
        return Counter(name for name, _ in self.asked)


@dataclass(frozen=True)
class Ended:
    """What came of an execution: how it ended, through which states, and how often each task was asked."""

    status: str
    error: str | None
    cause: str | None
    output: Any
    states: list[str]
    calls: Mapping[str, int]
    ways: set[tuple[str, ...]]
    """The states of each execution of it and of those that it started."""


Events = Sequence[Mapping[str, Any]]


def _ended(described: Mapping[str, Any], events: Events, started: Iterable[Events], tasks: Tasks) -> Ended:
    error, cause = described.get("error"), described.get("cause")
    status = getattr(described["status"], "value", described["status"])  # an enumeration in moto
    return Ended(
        status,
        error,
        cause and cause.partition(" (Service: ")[0],  # behind which each SDK words a refusal in its own way
        json.loads(described["output"]) if status == "SUCCEEDED" else None,
        _states(events),
        tasks.calls,
        {tuple(_states(one)) for one in started},
    )


def _states(events: Events) -> list[str]:
    return [visit.name for visit in read_visits(events, None, has_ended=True)]


Definitions = Mapping[str, Mapping[str, Any]]
"""By the state machine's name; the first is started."""
Interpreter = Callable[[Definitions, Any, Tasks], Ended]


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
        _answer_in_ministack(stepfunctions, patch, tasks)
        for name, definition in definitions.items():
            stepfunctions._create_state_machine(
                {"name": name, "definition": json.dumps(definition), "roleArn": ROLE_ARN}
            )
        execution = stepfunctions._executions[_run(stepfunctions, next(iter(definitions)), content)]
        started = [one["events"] for one in stepfunctions._executions.values()]
        return _ended(execution, execution["events"], started, tasks)


def _answer_in_ministack(stepfunctions: Any, patch: pytest.MonkeyPatch, tasks: Tasks) -> None:
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
        return _ended(execution.to_describe_output(), execution.to_history_output()["events"], started, tasks)


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


INTERPRETERS: Mapping[str, Interpreter] = {"MiniStack": on_ministack, "moto": on_moto}
