"""Executions of the state machine: starting one for an image, and describing what became of it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, error_code
from backend.errors import WorkflowNotDeployed
from backend.workflow.history import read_visits
from backend.workflow.outcome import Execution, Verdict

_NAME_LENGTH = 64
"""The most that InvokeEndpoint takes as an inference id; an execution's name may have 80."""
_LISTED = 50
_CONCURRENT_DESCRIBES = 8


def submit_image(environment: Environment, key: str) -> str:
    """Start an execution for an image in the bucket; returns its name, which is the inference id too."""
    name = _execution_name(key)
    content = {"image_data": "", "s3_bucket": environment.bucket, "s3_key": key}
    with _execution_errors(f"start an execution for {key}"):
        environment.stepfunctions.start_execution(
            stateMachineArn=environment.names.state_machine_arn, name=name, input=json.dumps(content)
        )
    return name


def describe_execution(environment: Environment, name: str, *, with_history: bool = True) -> Execution:
    """Describe an execution, with the states it went through; raises NotFound when there is none."""
    arn = environment.names.execution_arn(name)
    with _execution_errors(f"describe execution {name}"):
        execution = _execution(environment.stepfunctions.describe_execution(executionArn=arn))
        if not with_history:
            return execution
        pages = environment.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = (event for page in pages for event in page["events"])
        visits = read_visits(events, execution.error, has_ended=execution.has_ended)
    return replace(execution, visits=visits)


def list_executions(environment: Environment) -> list[Execution]:
    """The newest 50 executions, newest first, without the states they went through; none when there is no workflow."""
    try:
        with _execution_errors("list the executions"):
            page = environment.stepfunctions.list_executions(
                stateMachineArn=environment.names.state_machine_arn, maxResults=_LISTED
            )
    except WorkflowNotDeployed:
        return []
    names = [item["name"] for item in page["executions"]]
    with ThreadPoolExecutor(_CONCURRENT_DESCRIBES) as pool:  # only describing tells a rejection from a failure
        return list(pool.map(lambda name: describe_execution(environment, name, with_history=False), names))


def _execution(described: Any) -> Execution:
    return Execution(
        name=described["name"],
        status=described["status"],
        started_at=described["startDate"],
        stopped_at=described.get("stopDate"),
        input=json.loads(described.get("input") or "{}"),
        verdict=Verdict.from_json(described.get("output")) or Verdict.from_json(described.get("cause")),
        error=described.get("error"),
        cause=described.get("cause"),
    )


def _execution_name(key: str) -> str:
    """The image's name, for people, and random digits, so that it can be sent again."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(key).stem)
    digits = uuid.uuid4().hex[:16]
    return f"{stem[: _NAME_LENGTH - len(digits) - 1]}-{digits}".lstrip("-")


@contextmanager
def _execution_errors(action: str) -> Iterator[None]:
    with aws_errors(action):
        try:
            yield
        except ClientError as error:
            if error_code(error) != "StateMachineDoesNotExist":
                raise
            raise WorkflowNotDeployed("The state machine does not exist. Deploy the workflow first.") from error
