"""All executions of the state machine: listed a little at a time, described once, found by what is known of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.errors import NotFound
from backend.progress import Progress, no_progress
from backend.wording import count_of
from backend.workflow.execution_store import ExecutionStore, microseconds, store_of
from backend.workflow.executions import describe_execution, execution_errors, listed_executions
from backend.workflow.outcome import JUDGED, Execution

_AT_ONCE: Final = 8
_CHUNK: Final = 40  # executions that are described, between two looks at the clock
_SLOW_SECONDS: Final = 2.0
"""What a chunk takes at most where AWS refuses nothing; boto3 waits and asks again where it does."""
_LONGEST_PAUSE: Final = 30.0
_WHOLE_EVERY: Final = timedelta(hours=1)
"""How often the whole list is read anew: AWS deletes executions after 90 days, the embedded AWS the oldest."""
_LATENESS: Final = timedelta(minutes=1)
"""How late a list may be: it is eventually consistent (Step Functions API reference, ListExecutions)."""
_LISTED_ANEW: Final = 100  # executions in a request, where only the newest ones are wanted
_NEWEST: Final = 50
_refreshing = threading.Lock()


@dataclass(frozen=True)
class Filters:
    """Which executions: None is any. `name` is a part of the name, in any case; the times are those of their start."""

    status: str | None = None
    outcome: str | None = None
    predicted_label: str | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def asks_for_descriptions(self) -> bool:
        """Whether only executions that are described can meet them."""
        return self.predicted_label is not None or self.outcome is not None

    def condition(self) -> tuple[str, list[Any]]:
        """In SQL, with its values."""
        conditions: dict[str, Any] = {
            "status = ?": self.status,
            "outcome = ?": self.outcome,
            "predicted_label = ?": self.predicted_label,
            "instr(lower(name), lower(?)) > 0": self.name or None,
            "started_at >= ?": microseconds(self.since) if self.since else None,
            "started_at <= ?": microseconds(self.until) if self.until else None,
        }
        asked = {sql: value for sql, value in conditions.items() if value is not None}
        return " AND ".join(asked) or "TRUE", list(asked.values())


@dataclass(frozen=True)
class Found:
    """A page of the executions that meet some filters, newest first, and figures of all that do.

    `executions` are without input and states. `undescribed` is how many of all executions, whatever the filters, have
    ended and were not described yet. `offered` counts outcomes as if none were asked for. `median_seconds` is of those
    that have ended.
    """

    executions: tuple[Execution, ...]
    matching: int
    total: int
    undescribed: int
    outcomes: dict[str, int]
    offered: dict[str, int]
    labels: tuple[str, ...]
    median_seconds: float | None

    @property
    def pass_rate(self) -> float | None:
        """The share that passed, of those with a verdict."""
        judged = [self.outcomes.get(name, 0) for name in JUDGED]
        return judged[0] / sum(judged) if sum(judged) else None


_NOTHING: Final = Found((), 0, 0, 0, {}, {}, (), None)


def find_executions(environment: Environment, filters: Filters, page: int = 1, size: int = _NEWEST) -> Found:
    """A page of what meets the filters, of what Step Functions lists now; those on it are described."""
    store = store_of(environment)
    if not _refresh(environment, store):
        return _NOTHING
    condition, values = filters.condition()
    executions = store.executions(condition, values, size, (page - 1) * size)
    if unseen := store.unseen([execution.name for execution in executions]):
        _describe(environment, store, unseen)
        executions = store.executions(condition, values, size, (page - 1) * size)
    return _with_figures(store, filters, tuple(executions))


def list_executions(environment: Environment) -> list[Execution]:
    """The newest 50 executions, newest first, without input and states; none when there is no workflow."""
    return list(find_executions(environment, Filters()).executions)


def describe_rest(environment: Environment, progress: Progress = no_progress) -> None:
    """Describe what has ended and was not described yet, newest first, so that outcome and class are known of all.

    Rests as long as it worked where AWS makes it wait: others need its quota too.
    """
    store = store_of(environment)
    total = done = 0
    while names := store.undescribed(_CHUNK):
        total = max(total, done + store.count_undescribed())
        progress(done / max(total, 1), f"{done:,} of {count_of(total, 'execution')} read.")
        began = time.monotonic()
        _describe(environment, store, names)
        done += len(names)
        taken = time.monotonic() - began
        for _ in range(round(min(taken, _LONGEST_PAUSE)) if taken > _SLOW_SECONDS else 0):
            progress(done / max(total, 1), f"{done:,} of {count_of(total, 'execution')} read.")  # where it is cancelled
            time.sleep(1)
    progress(1.0, f"{count_of(done, 'execution')} read.")


def _refresh(environment: Environment, store: ExecutionStore) -> bool:
    """Bring the store to what Step Functions lists: the newest anew, and now and then all.

    What another state machine of the same name had is forgotten, and so is what is listed no more. False where there is
    no state machine, and no store any more.
    """
    with _refreshing:
        if not _is_of_this_machine(environment, store):
            return False
        now = datetime.now(UTC)
        newest = _listed_until(store, now)
        sweep = (store.fact("sweep") or 0) + 1
        store.set_fact("sweep", sweep)
        page_size = 1000 if newest is None else _LISTED_ANEW
        last = store.fact("listed_until") or 0.0
        listed = listed_executions(environment, newest, page_size)
        while items := list(islice(listed, page_size)):
            store.put_listed(items, sweep)
            last = max(last, items[0]["startDate"].timestamp())
        store.drop_unlisted(sweep, 0 if newest is None else microseconds(newest), microseconds(now - _LATENESS))
        store.set_fact("listed_until", last)
        if newest is None:
            store.set_fact("whole_at", now.timestamp())
        else:
            _follow_running(environment, store, newest)
        return True


def _with_figures(store: ExecutionStore, filters: Filters, executions: tuple[Execution, ...]) -> Found:
    """The page with what is counted of all that meets the filters."""
    condition, values = filters.condition()
    where = f"FROM executions WHERE {condition}"
    outcomes = _outcomes(store, filters)
    ended = f"{where} AND stopped_at IS NOT NULL"
    [(count,)] = store.query(f"SELECT count(*) {ended}", values)
    durations = store.query(
        f"SELECT stopped_at - started_at {ended} ORDER BY 1 LIMIT 1 OFFSET ?", [*values, max(count - 1, 0) // 2]
    )
    labels = store.query("SELECT DISTINCT predicted_label FROM executions WHERE predicted_label IS NOT NULL ORDER BY 1")
    [(total,)] = store.query("SELECT count(*) FROM executions")
    return Found(
        executions=executions,
        matching=sum(outcomes.values()),
        total=total,
        undescribed=store.count_undescribed(),
        outcomes={name: number for name, number in outcomes.items() if name},
        offered={name: number for name, number in _outcomes(store, replace(filters, outcome=None)).items() if name},
        labels=tuple(label for (label,) in labels),
        median_seconds=durations[0][0] / 1e6 if durations else None,
    )


def _outcomes(store: ExecutionStore, filters: Filters) -> dict[str, int]:
    """How many ended how, or run; under no name those of which that is not known."""
    condition, values = filters.condition()
    where = f"FROM executions WHERE {condition}"
    return dict(store.query(f"SELECT coalesce(outcome, ''), count(*) {where} GROUP BY 1", values))


def _is_of_this_machine(environment: Environment, store: ExecutionStore) -> bool:
    """Whether there is a state machine; forgets what is known of one that is gone, though it had the same name."""
    with execution_errors("describe the state machine"):
        machine = find(
            environment.stepfunctions.describe_state_machine, stateMachineArn=environment.names.state_machine_arn
        )
    if machine is None:
        store.delete()
        return False
    made = f"{machine['stateMachineArn']} {machine['creationDate'].isoformat()}"
    known = store.fact("machine")
    if known not in (None, made):
        store.clear()
    if known != made:
        store.set_fact("machine", made)
    return True


def _listed_until(store: ExecutionStore, now: datetime) -> datetime | None:
    """From when on the list is to be read: what started before was listed. None: all of it.

    Not from the newest that is known on: a submission has told of its own, and not of what others started meanwhile.
    """
    whole_at, newest = store.fact("whole_at"), store.fact("listed_until")
    if whole_at is None or not newest or now - datetime.fromtimestamp(whole_at, UTC) > _WHOLE_EVERY:
        return None
    return datetime.fromtimestamp(newest, UTC) - _LATENESS


def _follow_running(environment: Environment, store: ExecutionStore, before: datetime) -> None:
    """Learn of executions that started before then, and ran when they were looked at last, how they are."""
    names = [
        name
        for (name,) in store.query(
            "SELECT name FROM executions WHERE status IN ('RUNNING', 'PENDING_REDRIVE') AND started_at < ?",
            [microseconds(before)],
        )
    ]
    _describe(environment, store, names)


def _describe(environment: Environment, store: ExecutionStore, names: list[str]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        described = list(pool.map(lambda name: _described(environment, name), names))
    store.put_described(execution for execution in described if execution is not None)
    for name, execution in zip(names, described, strict=True):
        if execution is None:
            store.remove(name)


def _described(environment: Environment, name: str) -> Execution | None:
    """An execution of the list; None when it was deleted since."""
    try:
        return describe_execution(environment, name, with_history=False)
    except NotFound:
        return None
