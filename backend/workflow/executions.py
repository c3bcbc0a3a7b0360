"""Executions of the state machine: starting one for an image, and describing what became of it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  botocore's own

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, error_code
from backend.errors import AwsRequestError, NotFound, WorkflowNotDeployed
from backend.workflow.content import clean, read_content
from backend.workflow.events import read_events
from backend.workflow.history import read_visits
from backend.workflow.inference_ids import inference_id, is_derived, is_execution_name
from backend.workflow.outcome import Execution, Verdict

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

NAME_LENGTH = 64
"""The most that InvokeEndpoint takes as an inference id; an execution's name may have 80."""
_MAX_KEY_BYTES = 1024
_SEARCHED = 10_000
"""Executions, the newest ones: ten requests, about a second on AWS."""
_MOST_LISTED = 1000  # in one request
_THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})
_TOO_MANY, _OUTAGE = 429, 500


def submit_image(environment: Environment, key: str, name: str | None = None) -> str:
    """Start an execution for an image in the bucket; returns its name, which is the inference id too.

    The name is that of `execution_name`, of which there is no other: where AWS has one already, it is this one, whose
    start was answered and the answer lost.
    """
    name = name or execution_name(key)
    start_execution(environment, name, image_input(environment, key))
    return name


def start_execution(environment: Environment, name: str, content: str) -> None:
    """Start an execution of this name with an input in JSON; where AWS has one of this name already, it is this one."""
    already_there = environment.stepfunctions.exceptions.ExecutionAlreadyExists
    with execution_errors(f"start execution {name}"), suppress(already_there):
        environment.stepfunctions.start_execution(
            stateMachineArn=environment.names.state_machine_arn, name=name, input=content
        )


def image_input(environment: Environment, key: str) -> str:
    """What an execution is given for an image of the bucket, in JSON."""
    return json.dumps({"image_data": "", "s3_bucket": environment.bucket, "s3_key": key})


def describe_execution(environment: Environment, name: str, *, with_history: bool = True) -> Execution:
    """Describe an execution, by its name or its inference id, with the states it went through.

    Raises NotFound when there is none.
    """
    name = _full_name(environment, name)
    arn = environment.names.execution_arn(name)
    with execution_errors(f"describe execution {name}"):
        execution = _execution(environment, environment.stepfunctions.describe_execution(executionArn=arn))
        if not with_history:
            return execution
        pages = environment.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
    visits = read_visits(events, execution.error, has_ended=execution.has_ended)
    return replace(execution, visits=visits, events=read_events(events))


def names_by_inference(environment: Environment, inference_ids: Collection[str]) -> dict[str, str]:
    """The name of the execution behind each inference id, though it may be gone; an id of no execution is left out.

    An id is the name itself where that fits. A derived one is looked for among the newest 10,000 executions: Step
    Functions finds by nothing but the whole name.
    """
    derived = {identifier for identifier in inference_ids if is_derived(identifier)}
    names = {
        identifier: identifier
        for identifier in inference_ids
        if is_execution_name(identifier) and inference_id(identifier) == identifier
    }
    return names | _derived_names(environment, derived)


def _derived_names(environment: Environment, derived: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _newest_names(environment, _SEARCHED) if derived else ():
        if (identifier := inference_id(name)) in derived:
            found[identifier] = name
            if len(found) == len(derived):
                break
    return found


def _full_name(environment: Environment, name: str) -> str:
    """The name of an execution that is asked for by its name or its inference id."""
    if is_execution_name(name):
        return name
    if found := names_by_inference(environment, [name]):
        return found[name]
    raise NotFound("There is no execution of this name. Choose one from the list of executions.")


def listed_executions(
    environment: Environment, since: datetime | None = None, page_size: int = _MOST_LISTED
) -> Iterator[ExecutionListItemTypeDef]:
    """What Step Functions lists of the executions that started since then, newest first; none without a workflow."""
    pages = environment.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=environment.names.state_machine_arn, PaginationConfig={"PageSize": page_size}
    )
    try:
        with execution_errors("list the executions"):
            for page in pages:
                for item in page["executions"]:
                    if since is not None and item["startDate"] < since:
                        return
                    yield item
    except WorkflowNotDeployed:
        return


def _newest_names(environment: Environment, limit: int) -> Iterator[str]:
    """The names of executions, newest first; none when there is no workflow."""
    return (item["name"] for item in islice(listed_executions(environment, page_size=min(limit, _MOST_LISTED)), limit))


def _execution(environment: Environment, described: Any) -> Execution:
    content = read_content(described.get("input"))
    error, cause = described.get("error"), described.get("cause")
    return Execution(
        name=described["name"],
        status=described["status"],
        started_at=described["startDate"],
        stopped_at=described.get("stopDate"),
        input=content,
        s3_key=_image_key(content, environment.bucket),
        verdict=Verdict.from_json(described.get("output")) or Verdict.from_json(cause),
        error=None if error is None else clean(error),
        cause=None if cause is None else clean(cause),
    )


def _image_key(content: Any, bucket: str) -> str | None:
    """The key that an execution's input names in our bucket; None where it names none that S3 can have."""
    if not isinstance(content, dict) or content.get("s3_bucket") != bucket:
        return None
    key = content.get("s3_key")
    return key if isinstance(key, str) and 1 <= len(key.encode()) <= _MAX_KEY_BYTES else None


def execution_name(key: str) -> str:
    """The image's name, for people, and random digits, so that it can be sent again."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(key).stem)
    digits = uuid.uuid4().hex[:16]
    return f"{stem[: NAME_LENGTH - len(digits) - 1]}-{digits}".lstrip("-")


def passes(error: AwsRequestError) -> bool:
    """Whether what AWS says may be otherwise in a moment: it is asked too often, has an outage or cannot be reached."""
    cause = error.__cause__
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(cause) in _THROTTLED or status == _TOO_MANY or status >= _OUTAGE
    return isinstance(cause, HTTPClientError | ConnectionError)


@contextmanager
def execution_errors(action: str) -> Iterator[None]:
    """Raise AwsRequestError as `aws_errors` does, and WorkflowNotDeployed where there is no state machine."""
    with aws_errors(action):
        try:
            yield
        except ClientError as error:
            if error_code(error) != "StateMachineDoesNotExist":
                raise
            raise WorkflowNotDeployed("The state machine does not exist. Deploy the workflow first.") from error
