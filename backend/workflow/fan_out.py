"""Many images through the workflow by its second state machine, and what came of them.

Its executions are of two kinds: one that somebody starts, and for each 100 of its images a page that it starts itself.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.errors import FanOutNotPossible, WorkflowNotDeployed
from backend.workflow.content import clean, read_content
from backend.workflow.executions import execution_errors
from backend.workflow.outcome import Outcome
from backend.workflow.steering import end_execution

PAGE_IMAGES = 100
"""Images of a page, as in the definition."""
_MOST_INPUT_BYTES = 262_144
"""Source: Step Functions, "Quotas": the input of an execution."""
_PAGE_NAME = re.compile(r"-\d{4}$")
_NEWEST_EVENTS = 20
_SEARCHED_PAGES = 5  # of the list, of 1,000 executions each


@dataclass(frozen=True)
class Summary:
    """How many images came to which end; `by_class` is {label: {outcome: images}}, of those that were given a class."""

    images: int = 0
    passed: int = 0
    rejected: int = 0
    unknown: int = 0
    failed: int = 0
    by_class: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class FanOut:
    """An execution that sends many images; `summary` is of the pages that are done, and `pages` how many these are."""

    name: str
    status: str
    started_at: datetime
    stopped_at: datetime | None
    prefix: str | None
    keys: int | None
    pages: int
    summary: Summary
    error: str | None = None
    cause: str | None = None

    @property
    def is_running(self) -> bool:
        return self.stopped_at is None


class SentImage(msgspec.Struct, frozen=True):
    """What came of an image; `execution` is the name of its execution, `error` empty where it passed."""

    key: str
    execution: str
    outcome: str
    label: str
    error: str


class _Count(msgspec.Struct, frozen=True):
    outcome: str
    label: str
    images: int


class _Progress(msgspec.Struct, frozen=True):
    pages: int
    counts: list[_Count]


def start_fan_out(environment: Environment, *, prefix: str = "", keys: Sequence[str] = ()) -> str:
    """Send the images under a prefix of the bucket, or those of these keys; returns the name of the execution.

    Raises FanOutNotPossible when there is no state machine for it, or the keys do not fit into an execution's input.
    """
    asked = {"keys": list(keys)} if keys else {"prefix": prefix}
    content = json.dumps({"s3_bucket": environment.bucket, **asked})
    if (size := len(content.encode())) > _MOST_INPUT_BYTES:
        raise FanOutNotPossible(
            f"{len(keys):,} keys are {size:,} bytes, and an execution takes {_MOST_INPUT_BYTES:,}. Send them in parts, "
            "or name the prefix that they are under."
        )
    name = f"fan-out-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    try:
        with execution_errors("start to send the images"):
            environment.stepfunctions.start_execution(
                stateMachineArn=environment.names.fan_out_arn, name=name, input=content
            )
    except WorkflowNotDeployed as error:
        raise FanOutNotPossible(
            "There is no state machine for many images. Update the workflow on its page, and there is."
        ) from error
    return name


def list_fan_outs(environment: Environment, limit: int = 20) -> list[str]:
    """The names of the newest, newest first; none where nothing is deployed for it."""
    return list(islice((name for name in _listed(environment) if not _PAGE_NAME.search(name)), limit))


def describe_fan_out(environment: Environment, name: str) -> FanOut | None:
    """How it stands; None where there is none of this name."""
    arn = environment.names.fan_out_execution_arn(name)
    with execution_errors(f"describe execution {name}"):
        described = find(environment.stepfunctions.describe_execution, executionArn=arn)
        if described is None:
            return None
        progress = _progress(environment, arn)
    given = read_content(described.get("input"))
    prefix, keys = (given.get("prefix"), given.get("keys")) if isinstance(given, dict) else (None, None)
    error, cause = described.get("error"), described.get("cause")
    return FanOut(
        name=name,
        status=described["status"],
        started_at=described["startDate"],
        stopped_at=described.get("stopDate"),
        prefix=prefix if isinstance(prefix, str) else None,
        keys=len(keys) if isinstance(keys, list) else None,
        pages=progress.pages,
        summary=_summary(progress.counts),
        error=error and clean(error),
        cause=cause and clean(cause),
    )


def read_page(environment: Environment, name: str, page: int) -> list[SentImage]:
    """What came of each image of a page, the first of which is 1; nothing where it is not done."""
    arn = environment.names.fan_out_execution_arn(f"{name[:70]}-{page:04}")
    with execution_errors(f"read the history of page {page} of {name}"):
        exits = _outputs(environment, arn, "MapStateExited", "RunImages")
    return _decoded(next(exits, None), list[SentImage]) or []


def stop_fan_out(environment: Environment, name: str) -> None:
    """Start no further image; those that are under way are stopped, and what has ended stays as it ended."""
    arn = environment.names.fan_out_execution_arn(name)
    with execution_errors(f"stop execution {name}"):
        end_execution(environment, arn, "Stopped on the Workflow page.")


def _listed(environment: Environment) -> Iterator[str]:
    pages = environment.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=environment.names.fan_out_arn,
        PaginationConfig={"MaxItems": 1000 * _SEARCHED_PAGES, "PageSize": 1000},
    )
    try:
        with execution_errors("list what was sent"):
            for page in pages:
                yield from (item["name"] for item in page["executions"])
    except WorkflowNotDeployed:
        return


def _progress(environment: Environment, arn: str) -> _Progress:
    """Of the last page that is done."""
    found = next(_outputs(environment, arn, "TaskStateExited", "RunPage"), None)
    return _decoded(found, _Progress) or _Progress(0, [])


def _outputs(environment: Environment, arn: str, kind: str, state: str) -> Iterator[str]:
    """What a state put out, newest first, among the newest events; nothing where there is no such execution."""
    history = find(
        environment.stepfunctions.get_execution_history,
        executionArn=arn,
        reverseOrder=True,
        maxResults=_NEWEST_EVENTS,
    )
    for event in history["events"] if history else ():
        details = event.get("stateExitedEventDetails", {})
        if event["type"] == kind and details.get("name") == state:
            yield details.get("output", "")


def _decoded(text: str | None, kind: Any) -> Any:
    """What a JSON text holds, or None where somebody else's execution has something else there."""
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.DecodeError:
        return None


def _summary(counts: Sequence[_Count]) -> Summary:
    by_class: dict[str, dict[str, int]] = {}
    by_outcome: dict[str, int] = {}
    for count in counts:
        by_outcome[count.outcome] = by_outcome.get(count.outcome, 0) + count.images
        if count.label:
            by_class.setdefault(count.label, {})[count.outcome] = count.images
    return Summary(
        images=sum(by_outcome.values()),
        passed=by_outcome.get(Outcome.PASSED, 0),
        rejected=by_outcome.get(Outcome.REJECTED, 0),
        unknown=by_outcome.get(Outcome.UNKNOWN, 0),
        failed=by_outcome.get(Outcome.FAILED, 0),
        by_class=by_class,
    )
