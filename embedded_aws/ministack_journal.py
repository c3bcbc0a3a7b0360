"""Executions on disk: a row each, written when it changed, so that the millionth costs what the first did."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedded_aws.damage import open_database

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_PUT = "INSERT INTO executions VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
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


class ExecutionJournal:
    """The rows of an execution store. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self.executions = WatchedExecutions()
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
            if execution.get("stopDate"):
                self.executions.restore(restored, execution)
            else:
                self.executions[restored] = execution

    def save_urgent(self) -> None:
        """Write what is about to be told: executions that are new, or have ended since. Raises sqlite3.Error."""
        self._save(running=False)

    def save(self) -> None:
        """Write everything that changed; raises sqlite3.Error."""
        self._save(running=True)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _save(self, running: bool) -> None:
        with self._lock:
            deleted = list(self.executions.deleted)
            rows = list(self._changed(running))
            if not rows and not deleted:
                return
            with self._database:
                self._database.executemany("DELETE FROM executions WHERE key = ?", [(_text(key),) for key in deleted])
                self._database.executemany(_PUT, [(_text(key), zlib.compress(body, 1)) for key, _, body in rows])
            self.executions.deleted.difference_update(deleted)
            for key, has_ended, body in rows:
                self._rows[key] = has_ended, zlib.crc32(body)

    def _changed(self, running: bool) -> Iterator[tuple[Key, bool, bytes]]:
        for key in list(self.executions.open):
            execution = self.executions.get(key)
            if execution is None:
                continue
            has_ended = bool(execution.get("stopDate"))  # set last of all
            written = self._rows.get(key)
            if written is not None and not running and (written[0] or not has_ended):
                continue
            body = json.dumps(execution).encode()
            if written is None or written[1] != zlib.crc32(body):
                yield key, has_ended, body
            elif has_ended and running:  # it has not changed between two saves after its end: its row is final
                self.executions.open.discard(key)
                self._rows.pop(key, None)

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
