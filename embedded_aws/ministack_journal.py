"""Executions on disk: a row each, written when it changed, so that the millionth costs what the first did.

What an ended one went through stays there until somebody asks; and of those that ended, the newest are kept.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.damage import open_database

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS histories (key TEXT PRIMARY KEY, events BLOB NOT NULL) STRICT;
"""
_PUT = "INSERT INTO executions VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
_PUT_HISTORY = "INSERT INTO histories VALUES (?, ?) ON CONFLICT DO UPDATE SET events = excluded.events"
_DELETE = ("DELETE FROM executions WHERE key = ?", "DELETE FROM histories WHERE key = ?")
KEPT = 10_000
"""Executions, of those that have ended the newest; AWS keeps them for 90 days (Step Functions, "Quotas")."""
_SLACK = 1_000
"""That may be more, so that they are not sorted at each save."""
Key = tuple[str, ...]
"""Account, region and ARN."""
Execution = dict[str, Any]


class WatchedExecutions(dict[Key, Execution]):
    """The executions in memory, with those whose row is not final yet: it runs, or nobody has written its end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: set[Key] = set()
        self.deleted: set[Key] = set()

    def __setitem__(self, key: Key, execution: Execution) -> None:
        self.deleted.discard(key)
        super().__setitem__(key, execution)
        self.open.add(key)

    def __delitem__(self, key: Key) -> None:
        super().__delitem__(key)
        self._forget([key])

    def pop(self, key: Key, *default: Any) -> Any:
        value = super().pop(key, *default)
        self._forget([key])
        return value

    def clear(self) -> None:
        keys = list(self)
        super().clear()
        self._forget(keys)

    def restore(self, key: Key, execution: Execution) -> None:
        """Take in one whose row is final."""
        super().__setitem__(key, execution)

    def _forget(self, keys: Iterable[Key]) -> None:
        self.open.difference_update(keys)
        self.deleted.update(keys)


class StoredEvents:
    """The events of an execution that has ended, read when they are asked for."""

    def __init__(self, journal: ExecutionJournal, key: Key) -> None:
        self._journal = journal
        self._key = key

    def __len__(self) -> int:
        return len(self._journal.read_events(self._key))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._journal.read_events(self._key))

    def append(self, event: dict[str, Any]) -> None:
        """Nothing happens to an execution after its end: what a stopped one still does is no part of it."""


@dataclass(frozen=True)
class _Row:
    """What an execution has on disk: what it is, and what it went through."""

    key: Key
    has_ended: bool
    body: bytes
    events: bytes

    @classmethod
    def of(cls, key: Key, execution: Execution, has_ended: bool) -> _Row:
        body = {name: value for name, value in execution.items() if name != "events"}
        return cls(key, has_ended, json.dumps(body).encode(), json.dumps(list(execution["events"])).encode())

    @property
    def checksum(self) -> int:
        return zlib.crc32(self.events, zlib.crc32(self.body))


class ExecutionJournal:
    """The rows of an execution store. Safe to use from any thread."""

    def __init__(self, path: Path, kept: int = KEPT, slack: int = _SLACK) -> None:
        self.executions = WatchedExecutions()
        self._kept, self._slack = kept, slack
        self._lock = threading.Lock()
        self._rows: dict[Key, tuple[bool, int]] = {}
        """Of the open ones: whether the row has the end, and its checksum."""
        self._database = open_database(path, _SCHEMA, synchronous="NORMAL")

    def load(self) -> None:
        """Fill the store from the rows; one that is damaged is passed over, and said in the log."""
        for key, body in self._read():
            try:
                execution: Execution = json.loads(zlib.decompress(body))
                restored: Key = tuple(json.loads(key))
            except (ValueError, zlib.error):
                _log.exception("execution %s is damaged on disk, and forgotten", key)
                continue
            if "events" in execution:  # as an earlier version wrote it
                self.executions[restored] = execution
            elif execution.get("stopDate"):
                self.executions.restore(restored, execution | {"events": StoredEvents(self, restored)})
            else:
                self.executions[restored] = execution | {"events": self.read_events(restored)}

    def save_urgent(self) -> None:
        """Write what is about to be told: executions that are new, or have ended since. Raises sqlite3.Error."""
        self._save(running=False)

    def save(self) -> None:
        """Write everything that changed; raises sqlite3.Error."""
        self._save(running=True)

    def read_events(self, key: Key) -> list[dict[str, Any]]:
        """What an ended execution went through; nothing where that is damaged, which is said in the log."""
        with self._lock:
            row = self._database.execute("SELECT events FROM histories WHERE key = ?", (_text(key),)).fetchone()
        try:
            events: list[dict[str, Any]] = json.loads(zlib.decompress(row[0])) if row else []
        except (ValueError, zlib.error):
            _log.exception("the history of execution %s is damaged on disk", key)
            return []
        return events

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _save(self, running: bool) -> None:
        with self._lock:
            if running:
                self._prune()
            deleted = list(self.executions.deleted)
            rows = list(self._changed(running))
            if not rows and not deleted:
                return
            with self._database:
                for statement in _DELETE:
                    self._database.executemany(statement, [(_text(key),) for key in deleted])
                self._database.executemany(_PUT, [(_text(row.key), zlib.compress(row.body, 1)) for row in rows])
                histories = [(_text(row.key), zlib.compress(row.events, 1)) for row in rows]
                self._database.executemany(_PUT_HISTORY, histories)
            self.executions.deleted.difference_update(deleted)
            for row in rows:
                self._rows[row.key] = row.has_ended, row.checksum

    def _changed(self, running: bool) -> Iterator[_Row]:
        for key in list(self.executions.open):
            execution = self.executions.get(key)
            if execution is None:
                continue
            has_ended = bool(execution.get("stopDate"))  # set last of all
            written = self._rows.get(key)
            if written is not None and not running and (written[0] or not has_ended):
                continue
            row = _Row.of(key, execution, has_ended)
            if written is None or written[1] != row.checksum:
                yield row
            elif has_ended and running:  # it has not changed between two saves after its end: its row is final
                execution["events"] = StoredEvents(self, key)
                self.executions.open.discard(key)
                self._rows.pop(key, None)

    def _prune(self) -> None:
        """Forget the oldest of those that have ended, once they are more than are kept."""
        if len(self.executions) <= self._kept + self._slack:
            return
        ended = [
            (execution["stopDate"], key) for key, execution in list(self.executions.items()) if execution["stopDate"]
        ]
        for _, key in sorted(ended)[: max(0, len(ended) - self._kept)]:
            del self.executions[key]

    def _read(self) -> Iterator[tuple[str, bytes]]:
        with suppress(StopIteration):
            cursor = self._database.execute("SELECT key, body FROM executions")
            while True:
                try:
                    yield next(cursor)
                except sqlite3.DatabaseError:
                    _log.exception("executions that are damaged on disk are forgotten")
                    return


def _text(key: Key) -> str:
    return json.dumps(key)
