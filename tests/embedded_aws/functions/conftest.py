"""Functions deployed from a few lines of code."""

from __future__ import annotations

import base64
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from backend.aws.environment import Environment

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROLE_ARN = "arn:aws:iam::000000000000:role/any"


@dataclass(frozen=True)
class Answer:
    """What Invoke answers: the payload, whether it is an error, and the end of the log."""

    payload: Any
    error: str | None
    log: str


@dataclass(frozen=True)
class Function:
    """A deployed function."""

    client: LambdaClient
    name: str
    arn: str

    def invoke(self, event: Any = None) -> Answer:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail")
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Answer(json.loads(answer["Payload"].read()), answer.get("FunctionError"), log)

    def set_variable(self, name: str, value: str) -> None:
        """Update the function: it has this one environment variable."""
        self.client.update_function_configuration(FunctionName=self.name, Environment={"Variables": {name: value}})


class Deploy(Protocol):
    """Deploys a function of one module, `lambda_function`, whose handler is `lambda_handler`."""

    def __call__(self, code: str, handler: str = ..., timeout: int = ...) -> Function: ...


@pytest.fixture
def deploy(environment: Environment) -> Iterator[Deploy]:
    """Functions of a test, deleted with it."""
    client = environment.lambda_
    names = []

    def deploy_function(code: str, handler: str = "lambda_function.lambda_handler", timeout: int = 10) -> Function:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("lambda_function.py", code)
        names.append(name := f"function-{uuid.uuid4().hex[:12]}")
        created = client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE_ARN,
            Handler=handler,
            Code={"ZipFile": content.getvalue()},
            Timeout=timeout,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return Function(client, name, created["FunctionArn"])

    yield deploy_function
    for name in names:
        client.delete_function(FunctionName=name)
