"""Whether what went through the workflow was captured, and whether what was captured went through it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from backend import deployment, workflow
from backend.aws.environment import Environment
from backend.aws.names import DATASETS_PREFIX, UPLOADS_PREFIX
from backend.errors import NotFound, WorkflowNotDeployed
from backend.monitoring.captures import by_inference, capture_contents, image_keys, newest
from backend.monitoring.contents import Contents
from backend.monitoring.selection import Selection
from backend.monitoring.sources import project_source
from backend.workflow import Execution
from backend.workflow.inference_ids import inference_id

_USUAL_DELIVERY: Final = timedelta(minutes=5)
"""In which AWS has delivered a capture file, while none was seen to say how long it takes here."""
_SHORTEST_DELIVERY: Final = timedelta(minutes=1)
_LOOKED_AT: Final = 50  # records, the newest
_UNLIKELY: Final = 0.01
_THREADS: Final = 8


@dataclass(frozen=True)
class Comparison:
    """The newest executions beside the captured records of their time, from `since` on.

    `answered` is how many executions the endpoint answered; `awaited`, how many others it answered so lately that their
    records may still come. Of sampled requests some are missing by intention: `sampling` is the
    percentage that the endpoint says it captures, None without an endpoint. `silent` is how many of the newest answered
    executions in a row have no record, when sampling makes that unlikely (below 1 %), else 0.
    """

    sampling: int | None
    since: datetime | None = None
    answered: int = 0
    awaited: int = 0
    not_captured: tuple[str, ...] = ()
    records: int = 0
    without_execution: tuple[int, ...] = ()
    silent: int = 0


def compare_with_executions(environment: Environment, now: datetime) -> Comparison:
    """Compare the newest executions with the project's own captured records, by inference id."""
    endpoint = deployment.describe_endpoint(environment)
    sampling = endpoint.capture_percent if endpoint else None
    executions = workflow.list_executions(environment)
    if not executions:
        return Comparison(sampling)
    contents = capture_contents(environment)
    ended = [execution for execution in executions if execution.verdict and execution.stopped_at]
    captured = _captured(environment, ended) if contents else set()
    due_at = now - _delivery(contents)
    is_due = {execution.name: _ended_at(execution) <= due_at for execution in ended}
    missing = [execution for execution in ended if inference_id(execution.name) not in captured]
    awaited = [execution for execution in missing if not is_due[execution.name]]
    due = [execution for execution in ended if execution not in awaited]
    is_missing = [execution in missing for execution in due]
    since = min(execution.started_at for execution in executions)
    records, foreign = _without_execution(environment, executions, since, now) if contents else (0, ())
    return Comparison(
        sampling=sampling,
        since=since,
        answered=len(due),
        awaited=len(awaited),
        not_captured=tuple(execution.name for execution, missing in zip(due, is_missing, strict=True) if missing),
        records=records,
        without_execution=foreign,
        silent=_silent(is_missing, sampling),
    )


def _ended_at(execution: Execution) -> datetime:
    return execution.stopped_at or execution.started_at


def _delivery(contents: Contents | None) -> timedelta:
    """How long after its answer a record is there at the latest, by twice what was seen."""
    if contents is None or contents.longest_lag is None:
        return _USUAL_DELIVERY
    return max(2 * contents.longest_lag, _SHORTEST_DELIVERY)


def _captured(environment: Environment, executions: Sequence[Execution]) -> set[str]:
    return set(by_inference(environment, [inference_id(execution.name) for execution in executions])["inference_id"])


def _without_execution(
    environment: Environment, executions: Sequence[Execution], since: datetime, now: datetime
) -> tuple[int, tuple[int, ...]]:
    """How many records are from this time, at most the newest 50, and which of them nobody of the project asked for.

    Neither an execution nor, for a trial, the deployment page.
    """
    selection = Selection(since, now + timedelta(days=1))
    records = newest(environment, project_source(environment), selection, _LOOKED_AT)
    listed = {inference_id(execution.name) for execution in executions}
    others = [
        (int(record_id), identifier if isinstance(identifier, str) else None)
        for record_id, identifier in zip(records["record_id"], records["inference_id"], strict=True)
        if identifier not in listed
    ]
    named = [identifier for _, identifier in others if identifier]
    ours = {identifier for identifier in named if deployment.is_trial(identifier)}
    ours |= _through_the_workflow(environment, [identifier for identifier in named if identifier not in ours])
    return len(records), tuple(record_id for record_id, identifier in others if identifier not in ours)


def _through_the_workflow(environment: Environment, identifiers: Sequence[str]) -> set[str]:
    """Those whose record names an image of the project, as the workflow alone has it, or whose execution is there."""
    keys = image_keys(environment, identifiers)
    named = {name for name, key in keys.items() if key.startswith((DATASETS_PREFIX, UPLOADS_PREFIX))}
    unnamed = [identifier for identifier in identifiers if identifier not in named]
    with ThreadPoolExecutor(_THREADS) as pool:  # an older execution may have been answered late
        there = pool.map(lambda identifier: _exists(environment, identifier), unnamed)
        return named | {identifier for identifier, is_there in zip(unnamed, there, strict=True) if is_there}


def _exists(environment: Environment, identifier: str) -> bool:
    try:
        workflow.describe_execution(environment, identifier, with_history=False)
    except (NotFound, WorkflowNotDeployed):
        return False
    return True


def _silent(is_missing: Sequence[bool], sampling: int | None) -> int:
    """How many of the newest are missing in a row; 0 when that may be by intention, or nobody can know."""
    missing = len(list(takewhile(bool, is_missing)))
    by_chance = (1 - (sampling or 0) / 100) ** missing
    return missing if by_chance < _UNLIKELY else 0
