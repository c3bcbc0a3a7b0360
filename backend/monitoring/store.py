"""The cache of captured inferences, in DuckDB: deleting its file loses nothing, the capture files have the facts."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from backend.aws.polling import attempts
from backend.errors import CaptureUnavailable, StillWaiting
from backend.private import make_private_folder

_VERSION = 4
_PATIENCE_SECONDS = 15.0
"""How long to wait while another process has the file; each has it for no longer than a batch or a page takes."""
_PAUSE_SECONDS = 0.02
_TURN_SECONDS = 1.0
_FAULTS = (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException, duckdb.OutOfMemoryException)
"""What becomes of a statement where the disk is full or fails."""
_MEMORY = "512MB"
_SCHEMA = """
CREATE TABLE version (number INTEGER);
CREATE SEQUENCE stream_ids;
CREATE TABLE streams (stream_id SMALLINT, endpoint VARCHAR NOT NULL, variant VARCHAR NOT NULL);
CREATE SEQUENCE file_ids;
CREATE TABLE files (
    file_id BIGINT NOT NULL, key VARCHAR NOT NULL, etag VARCHAR NOT NULL, stream_id SMALLINT NOT NULL,
    delivered_at TIMESTAMP NOT NULL, lag_seconds DOUBLE NOT NULL, records INTEGER NOT NULL, broken INTEGER NOT NULL,
    undecodable INTEGER NOT NULL
);
CREATE SEQUENCE record_ids;
CREATE TABLE records (
    record_id BIGINT NOT NULL, file_id BIGINT NOT NULL, "offset" BIGINT NOT NULL, length BIGINT NOT NULL,
    position INTEGER NOT NULL, stream_id SMALLINT NOT NULL, time TIMESTAMP NOT NULL, class_index INTEGER NOT NULL,
    confidence DOUBLE NOT NULL, bin USMALLINT NOT NULL, inference_id VARCHAR, image_key VARCHAR,
    width INTEGER, height INTEGER, brightness FLOAT, contrast FLOAT, sharpness FLOAT,
    probabilities FLOAT[], content UBIGINT
);
CREATE TABLE quarantine (
    file_id BIGINT NOT NULL, "offset" BIGINT NOT NULL, length BIGINT NOT NULL, reason VARCHAR NOT NULL
);
CREATE TABLE sweeps (swept_at TIMESTAMP NOT NULL, unrecognised BIGINT NOT NULL);
CREATE TABLE unrecognised (key VARCHAR NOT NULL);
CREATE TABLE histogram (
    hours UTINYINT NOT NULL, bucket INTEGER NOT NULL, stream_id SMALLINT NOT NULL, class_index INTEGER NOT NULL,
    bin USMALLINT NOT NULL, n BIGINT NOT NULL
);
CREATE TABLE lowest (
    hour INTEGER NOT NULL, stream_id SMALLINT NOT NULL, class_index INTEGER NOT NULL, record_id BIGINT NOT NULL,
    time TIMESTAMP NOT NULL, confidence DOUBLE NOT NULL
);
CREATE TABLE compacted (histogram BIGINT NOT NULL, lowest BIGINT NOT NULL);
INSERT INTO compacted VALUES (0, 0);
CREATE TABLE drift (
    stream_id SMALLINT NOT NULL, revision VARCHAR NOT NULL, fed BIGINT NOT NULL, acknowledged INTEGER NOT NULL,
    detector BLOB NOT NULL
);
CREATE TABLE evidence (stream_id SMALLINT NOT NULL, time TIMESTAMP NOT NULL, evidence DOUBLE NOT NULL);
"""
"""Times are UTC. `histogram` and `lowest` follow from `records` (rollups.py), and are changed together with it.

`content` is the same number for the same request; `probabilities` are missing where there are very many classes.
`drift` has the state of each stream's alarm, which was fed the records up to the number `fed` (feeding.py).
"""


class CaptureStore:
    """A cache file. Its users may be any threads of any processes.

    DuckDB lets one process open a file, so a process has it open only while something in it uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._users = 0
        self._opening = threading.RLock()
        self._writing = threading.Lock()

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self.reading() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """What is in the file as it is now, whatever is written meanwhile; raises CaptureUnavailable."""
        with _said(self.path), self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            finally:
                cursor.rollback()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction: all of it happens, or nothing. One at a time; raises CaptureUnavailable."""
        with self._writing, _said(self.path), self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Open the file once for all that happens inside."""
        with self._cursor():
            yield

    @contextmanager
    def turns(self) -> Iterator[Callable[[], None]]:
        """Gives what is to be called between two transactions of many: it keeps the file open from one to the next.

        Every second or so it does not, so that other processes have their turn.
        """
        with ExitStack() as held:
            since: float | None = None

            def take_turns() -> None:
                nonlocal since
                if since is None:
                    held.enter_context(self.kept_open())
                    since = time.monotonic()
                elif time.monotonic() - since > _TURN_SECONDS:
                    held.close()
                    since = None

            yield take_turns

    @contextmanager
    def only_writer(self) -> Iterator[bool]:
        """Whether nobody else, in any process, brings files in; while it is so, nobody else does."""
        make_private_folder(self.path.parent)
        with self.path.with_suffix(".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def delete(self) -> None:
        """Delete the file, once nobody in this process uses it; the next use makes an empty one."""
        try:
            for _ in attempts("Deleting the captured records", _PATIENCE_SECONDS, _PAUSE_SECONDS):
                with self._opening:
                    if not self._users:
                        _delete_files(self.path)
                        return
        except StillWaiting as error:
            raise CaptureUnavailable("The captured records are being read. Try again in a moment.") from error

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._opening:
            if self._connection is None:
                self._connection = _open(self.path)
            self._users += 1
            cursor = self._connection.cursor()
        try:
            with cursor:
                yield cursor
        finally:
            with self._opening:
                self._users -= 1
                if not self._users:
                    self._connection.close()
                    self._connection = None


_stores: dict[Path, CaptureStore] = {}
_stores_lock = threading.Lock()


def store_at(path: Path) -> CaptureStore:
    """The store in that file, one for this process. A file that is damaged or of another version is made anew."""
    with _stores_lock:
        return _stores.setdefault(path.resolve(), CaptureStore(path))


def delete_stores(folder: Path) -> None:
    """Delete every store in a folder; the next use of one makes an empty one."""
    for path in folder.glob("*.duckdb"):
        store_at(path).delete()


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What a full or failing disk makes of a statement, in words."""
    try:
        yield
    except _FAULTS as error:
        reason = str(error).splitlines()[0]
        raise CaptureUnavailable(
            f"What was read of the captured records cannot be kept in {path}: {reason}. Make room there, and try again."
        ) from error


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """The file, once no other process has it; raises CaptureUnavailable when one has it for long."""
    make_private_folder(path.parent)
    try:
        return _await(path)
    except duckdb.Error:  # damaged, or of another version
        _delete_files(path)
    try:
        return _await(path)
    except duckdb.Error as error:
        raise CaptureUnavailable(f"What was read of the captured records cannot be kept in {path}: {error}") from error


def _await(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        for _ in attempts("Opening the captured records", _PATIENCE_SECONDS, _PAUSE_SECONDS):
            if (connection := _unless_busy(path)) is not None:
                return connection
    except StillWaiting as error:
        raise CaptureUnavailable(
            "Another process of this app is busy with the captured records. Try again in a moment."
        ) from error
    raise AssertionError("attempts end by what they raise")


def _unless_busy(path: Path) -> duckdb.DuckDBPyConnection | None:
    """The file, or None while another process has it."""
    try:
        return _current(path)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        return None


def _current(path: Path) -> duckdb.DuckDBPyConnection:
    """The file, of this version; raises duckdb.Error when it cannot be opened, or is of another one."""
    connection = duckdb.connect(path, config={"memory_limit": _MEMORY})
    try:
        if not connection.execute("SELECT 1 FROM duckdb_tables()").fetchall():
            connection.begin()
            connection.execute(_SCHEMA)
            connection.execute("INSERT INTO version VALUES (?)", [_VERSION])
            connection.commit()
        if connection.execute("SELECT number FROM version").fetchall() != [(_VERSION,)]:
            raise duckdb.CatalogException("another version")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _delete_files(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)
