"""The cache of captured inferences, in DuckDB: deleting its file loses nothing, for S3 has the facts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from backend.errors import CaptureUnavailable
from backend.private import make_private_folder

_VERSION = 2
_SCHEMA = """
CREATE TABLE version (number INTEGER);
CREATE SEQUENCE object_ids;
CREATE TABLE objects (
    object_id BIGINT DEFAULT nextval('object_ids'), key VARCHAR PRIMARY KEY, etag VARCHAR NOT NULL
);
CREATE SEQUENCE record_ids;
CREATE TABLE records (
    record_id BIGINT DEFAULT nextval('record_ids'), object_id BIGINT NOT NULL, "offset" BIGINT NOT NULL,
    length BIGINT NOT NULL, inference_id VARCHAR, time TIMESTAMPTZ NOT NULL,
    confidence DOUBLE NOT NULL, predicted_index INTEGER NOT NULL
);
CREATE TABLE quarantine (
    object_id BIGINT NOT NULL, "offset" BIGINT NOT NULL, length BIGINT NOT NULL, reason VARCHAR NOT NULL
);
"""


class CaptureStore:
    """One process's hold on the cache. Readers and the one writer may be any threads: each takes a cursor."""

    def __init__(self, path: Path) -> None:
        self._connection = _open(path)
        self._writing = threading.Lock()
        self._cursors = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self._cursor() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction: all of it happens, or nothing. One at a time."""
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()

    def close(self) -> None:
        """Wait until nobody has a cursor, and close the file; nobody gets one any more."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: self._cursors == 0)
        self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor, while which the file stays open: DuckDB gives who opens it again the same, deleted, one."""
        with self._changed:
            if self._is_closed:
                raise CaptureUnavailable("The captured records that were read were just deleted. Refresh them.")
            self._cursors += 1
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SET TimeZone = 'UTC'")
                yield cursor
        finally:
            with self._changed:
                self._cursors -= 1
                self._changed.notify_all()


_stores: dict[Path, CaptureStore] = {}
_stores_lock = threading.Lock()


def open_store(path: Path) -> CaptureStore:
    """The store in that file, shared by this process: DuckDB lets one process open a file.

    A file that is damaged or of another version is made anew. Raises CaptureUnavailable while another process has it.
    """
    with _stores_lock:
        if path in _stores and not path.exists():  # deleted, to be rebuilt
            _stores.pop(path).close()
        if path not in _stores:
            _stores[path] = CaptureStore(path)
        return _stores[path]


def delete_store(path: Path) -> None:
    """Close the store in that file and delete it; one that is not there is no error. Readers open it anew."""
    with _stores_lock:
        if path in _stores:
            _stores.pop(path).close()
        _delete_files(path)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = _connect(path)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise CaptureUnavailable(
                "Another process of this app is reading the captured records. Close it, and try again."
            ) from error
        return _make_anew(path)
    except duckdb.Error:
        return _make_anew(path)
    if _is_current(connection):
        return connection
    connection.close()
    return _make_anew(path)


def _make_anew(path: Path) -> duckdb.DuckDBPyConnection:
    _delete_files(path)
    return _connect(path)


def _delete_files(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    make_private_folder(path.parent)
    is_new = not path.exists()
    connection = duckdb.connect(str(path))
    if is_new:
        connection.begin()
        connection.execute(_SCHEMA)
        connection.execute("INSERT INTO version VALUES (?)", [_VERSION])
        connection.commit()
    return connection


def _is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return connection.execute("SELECT number FROM version").fetchall() == [(_VERSION,)]
    except duckdb.Error:
        return False
