"""What was read of executions, in SQLite: one that has ended never changes, so it is described once.

A cache: deleting its file loses nothing, Step Functions has the facts. An execution is in it as long as it is listed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backend.aws.environment import Environment
from backend.errors import ExecutionsUnavailable
from backend.private import make_private_folder
from backend.workflow.outcome import BY_STATUS, Execution, Outcome, Verdict

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

_log = logging.getLogger(__name__)

_VERSION: Final = 1
_PATIENCE: Final = 15.0  # seconds, while another thread or process writes
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_CAUSE: Final = 2_000
_LISTED, _SEEN, _DESCRIBED = range(3)
"""How much is known of one: what the list has, its input as well, or all, as it has ended."""
_SCHEMA: Final = f"""
CREATE TABLE executions (
    name TEXT PRIMARY KEY, status TEXT NOT NULL, started_at INTEGER NOT NULL, stopped_at INTEGER,
    sweep INTEGER NOT NULL, known INTEGER NOT NULL DEFAULT 0, outcome TEXT, s3_key TEXT, verdict TEXT,
    predicted_label TEXT, confidence REAL, error TEXT, cause TEXT
);
CREATE INDEX by_start ON executions (started_at, name);
CREATE TABLE facts (name TEXT PRIMARY KEY, value);
PRAGMA user_version = {_VERSION};
"""
"""Times are microseconds since 1970. `outcome` is NULL where only describing tells a rejection from a failure."""
_IS_ANOTHER: Final = """(
    abs(started_at - excluded.started_at) > 1000
    OR coalesce(abs(stopped_at - excluded.stopped_at) > 1000, stopped_at IS NOT excluded.stopped_at)
)"""
"""Of this name, but started anew since, in another state machine or as a redrive."""
_LIST: Final = f"""
INSERT INTO executions (name, status, started_at, stopped_at, outcome, sweep) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    known = iif(known = {_DESCRIBED} AND NOT {_IS_ANOTHER}, known, min(known, {_SEEN})),
    outcome = iif(known = {_DESCRIBED} AND NOT {_IS_ANOTHER}, outcome, excluded.outcome),
    status = excluded.status, started_at = excluded.started_at, stopped_at = excluded.stopped_at,
    sweep = excluded.sweep
"""  # noqa: S608  nothing of it was given
_DESCRIBE: Final = """
INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?, coalesce((SELECT sweep FROM executions WHERE name = ?), ?),
    ?, ?, ?, ?, ?, ?, ?, ?)
"""
_OUTCOMES: Final = {status: outcome for status, outcome in BY_STATUS.items() if outcome is not Outcome.FAILED}
"""What the list alone tells."""


class ExecutionStore:
    """The file of one project; any threads of any processes may use it. Raises ExecutionsUnavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fact(self, name: str) -> Any:
        """A value that was set under this name; None where none was."""
        rows = self.query("SELECT value FROM facts WHERE name = ?", [name])
        return rows[0][0] if rows else None

    def set_fact(self, name: str, value: str | float) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    def clear(self) -> None:
        """Forget all of it."""
        with self.writing() as connection:
            connection.execute("DELETE FROM executions")
            connection.execute("DELETE FROM facts")

    def delete(self) -> None:
        """Delete the file; the next use makes an empty one."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise ExecutionsUnavailable(f"{self._path} cannot be deleted: {error.strerror}.") from error

    def put_listed(self, items: Iterable[ExecutionListItemTypeDef], sweep: int) -> None:
        """Take over what a list has; what is described stays so, unless it is another one by now."""
        rows = [
            (
                item["name"],
                item["status"],
                microseconds(item["startDate"]),
                microseconds(item["stopDate"]) if item.get("stopDate") else None,
                _OUTCOMES.get(item["status"]),
                sweep,
            )
            for item in items
        ]
        with self.writing() as connection:
            connection.executemany(_LIST, rows)

    def drop_unlisted(self, sweep: int, since: int, until: int) -> None:
        """Forget those that started between these times and are not in the lists of this sweep: they are gone."""
        with self.writing() as connection:
            connection.execute(
                "DELETE FROM executions WHERE sweep < ? AND started_at > ? AND started_at < ?", [sweep, since, until]
            )

    def put_described(self, executions: Iterable[Execution]) -> None:
        """Take over what describing them told."""
        sweep = self.fact("sweep") or 0
        with self.writing() as connection:
            connection.executemany(_DESCRIBE, [_row(execution, sweep) for execution in executions])

    def remove(self, name: str) -> None:
        """Forget one that is gone."""
        with self.writing() as connection:
            connection.execute("DELETE FROM executions WHERE name = ?", [name])

    def undescribed(self, limit: int) -> list[str]:
        """The names of those that have ended and were not described since, newest first."""
        found = self.query(
            "SELECT name FROM executions WHERE known < ? AND status NOT IN ('RUNNING', 'PENDING_REDRIVE')"
            " ORDER BY started_at DESC LIMIT ?",
            [_DESCRIBED, limit],
        )
        return [name for (name,) in found]

    def count_undescribed(self) -> int:
        """How many have ended and were not described since."""
        [(count,)] = self.query(
            "SELECT count(*) FROM executions WHERE known < ? AND status NOT IN ('RUNNING', 'PENDING_REDRIVE')",
            [_DESCRIBED],
        )
        return int(count)

    def unseen(self, names: Collection[str]) -> list[str]:
        """Those of the names of which describing would tell something new."""
        marks = ", ".join("?" * len(names))
        found = self.query(
            f"SELECT name FROM executions WHERE name IN ({marks}) AND known < iif(status IN"  # noqa: S608  marks alone
            f" ('RUNNING', 'PENDING_REDRIVE'), {_SEEN}, {_DESCRIBED})",
            list(names),
        )
        return [name for (name,) in found]

    def executions(self, condition: str, values: Sequence[Any], limit: int, offset: int = 0) -> list[Execution]:
        """Those that meet an SQL condition, newest first, as far as they are known; `input` is not."""
        rows = self.query(
            "SELECT name, status, started_at, stopped_at, s3_key, verdict, error, cause FROM executions"  # noqa: S608
            f" WHERE {condition} ORDER BY started_at DESC, name DESC LIMIT ? OFFSET ?",
            [*values, limit, offset],
        )
        return [_execution(*row) for row in rows]

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self._opened() as connection:
            return connection.execute(sql, list(values)).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")  # without it, closing rolls back

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(_open(self._path)) as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise ExecutionsUnavailable(
                f"What was read of executions cannot be kept in {self._path}: {error}. Make room there, and try again."
            ) from error


def store_of(environment: Environment) -> ExecutionStore:
    """The project's store; it is made when it is first used."""
    return ExecutionStore(environment.cache_dir / "executions.sqlite")


def keep(environment: Environment, executions: Collection[Execution]) -> None:
    """Take over executions that were just described; where that cannot be, they will be described again."""
    if not executions:
        return
    try:
        store_of(environment).put_described(one for one in executions if one.stopped_at is not None)
    except ExecutionsUnavailable as error:
        _log.warning("executions were not kept: %s", error)


def microseconds(time: datetime) -> int:
    """Since 1970, as the store has times."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def _open(path: Path) -> sqlite3.Connection:
    """A connection; a file that is damaged or of another version is made anew."""
    make_private_folder(path.parent)
    try:
        return _connect(path)
    except sqlite3.OperationalError:  # busy for long, or no room
        raise
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # it can be made anew
        [(version,)] = connection.execute("PRAGMA user_version")
        if version != _VERSION:
            connection.execute("BEGIN EXCLUSIVE")
            [(version,)] = connection.execute("PRAGMA user_version")
            if version == 0:  # nobody else was faster
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
            elif version != _VERSION:
                raise sqlite3.DatabaseError("another version")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _row(execution: Execution, sweep: int) -> tuple[Any, ...]:
    verdict = execution.verdict
    return (
        execution.name,
        execution.status,
        microseconds(execution.started_at),
        microseconds(execution.stopped_at) if execution.stopped_at else None,
        execution.name,
        sweep,
        _DESCRIBED if execution.has_ended else _SEEN,
        execution.outcome,
        execution.s3_key,
        msgspec.json.encode(verdict).decode() if verdict else None,
        verdict.predicted_label if verdict else None,
        verdict.confidence if verdict else None,
        execution.error,
        execution.cause[:_LONGEST_CAUSE] if execution.cause else None,
    )


def _execution(
    name: str,
    status: str,
    started_at: int,
    stopped_at: int | None,
    s3_key: str | None,
    verdict: str | None,
    error: str | None,
    cause: str | None,
) -> Execution:
    return Execution(
        name=name,
        status=status,
        started_at=_time(started_at),
        stopped_at=None if stopped_at is None else _time(stopped_at),
        input=None,
        s3_key=s3_key,
        verdict=Verdict.from_json(verdict),
        error=error,
        cause=cause,
    )


def _time(since: int) -> datetime:
    return _EPOCH + timedelta(microseconds=since)
