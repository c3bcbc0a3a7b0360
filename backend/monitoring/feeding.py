"""Feeding the drift alarms what was read: in the transaction that brings the records in, each record exactly once.

The store has each stream's detector, and up to which number of a record it was fed. Records that a replaced file had
before have the numbers of before. So nothing is fed twice or left out, whenever a process ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from backend.drift import Detector, Evidence, Records, pack, unpack
from backend.monitoring.detectable import read_records
from backend.monitoring.plain import microseconds
from backend.monitoring.store import CaptureStore
from backend.monitoring.watched import Watched
from backend.progress import Progress, no_progress

_AT_ONCE: Final = 100_000
"""Records by number; as many more are another transaction of those that were there when a baseline was chosen."""
_STEP: Final = 20
"""Records of which the highest evidence is kept."""


def feed(cursor: duckdb.DuckDBPyConnection, watched: Sequence[Watched]) -> bool:
    """Feed each detector what it was not fed yet, of a hundred thousand records; whether there are more."""
    if not watched:
        return False
    streams = {(endpoint, variant): stream_id for stream_id, endpoint, variant in _rows(cursor, "FROM streams")}
    [(last,)] = _rows(cursor, "SELECT coalesce(max(record_id), 0) FROM records")
    more = [_feed(cursor, streams[of.stream], of, last) for of in watched if of.stream in streams]
    return any(more)


def catch_up(store: CaptureStore, watched: Sequence[Watched], progress: Progress = no_progress) -> None:
    """Feed all that is there, and forget the detectors of streams that are watched no more.

    One transaction after the other, so that a crash loses only work. The caller is the store's only writer.
    """
    if not store.path.exists():
        return
    with store.turns() as take_turns:
        with store.writing() as cursor:
            _forget_others(cursor, watched)
            more = feed(cursor, watched)
        while more:
            take_turns()
            progress(0.0, "Counting earlier records for the drift alarm.")
            with store.writing() as cursor:
                more = feed(cursor, watched)


def _feed(cursor: duckdb.DuckDBPyConnection, stream_id: int, watched: Watched, last: int) -> bool:
    found = _rows(cursor, "SELECT revision, fed, acknowledged, detector FROM drift WHERE stream_id = ?", stream_id)
    detector, fed, acknowledged = _kept(found, watched) or (None, 0, 0)
    until = max(fed, min(fed + _AT_ONCE, last))
    waiting = [microseconds(seen.at) for seen in watched.acknowledgements[acknowledged:]]
    if detector is not None and until == fed and not waiting:
        return False
    if detector is None:
        cursor.execute("DELETE FROM evidence WHERE stream_id = ?", [stream_id])
        detector = Detector(watched.usual.baseline.baseline(), watched.promise)
    condition = "stream_id = ? AND record_id > ? AND record_id <= ? AND time >= ?"
    values = [stream_id, fed, until, _naive(watched.since)]
    records = read_records(cursor, condition, values, watched.other)
    evidence, applied = _fed(detector, records, waiting, is_all=until == last)
    _keep_evidence(cursor, stream_id, evidence)
    cursor.execute("DELETE FROM drift WHERE stream_id = ?", [stream_id])
    row = [stream_id, watched.revision, until, acknowledged + applied, pack(detector)]
    cursor.execute("INSERT INTO drift VALUES (?, ?, ?, ?, ?)", row)
    return until < last


def _fed(detector: Detector, records: Records, waiting: Sequence[int], *, is_all: bool) -> tuple[list[Evidence], int]:
    """The evidence, and how many of the acknowledgements that are waiting were applied: each behind its records.

    One behind all of these records waits for others, unless these are all.
    """
    evidence, begin, applied = [], 0, 0
    for at in waiting:
        end = max(begin, int(np.searchsorted(records.time, at, side="right")))
        if end == len(records) and not is_all:
            break
        evidence.append(detector.feed(records.take(slice(begin, end))))
        detector.acknowledge()
        begin, applied = end, applied + 1
    evidence.append(detector.feed(records.take(slice(begin, len(records)))))
    return evidence, applied


def _kept(found: Sequence[tuple[Any, ...]], watched: Watched) -> tuple[Detector, int, int] | None:
    """The detector, up to which record it was fed, and how many acknowledgements it knows; None to begin anew."""
    for revision, fed, acknowledged, content in found:
        if revision == watched.revision:
            try:
                return unpack(content), fed, acknowledged
            except msgspec.DecodeError:  # of another version of the app
                return None
    return None


def _keep_evidence(cursor: duckdb.DuckDBPyConnection, stream_id: int, found: Sequence[Evidence]) -> None:
    time = np.concatenate([evidence.time for evidence in found])
    won = np.concatenate([evidence.won for evidence in found])
    if not len(won):
        return
    begins = np.arange(0, len(won), _STEP)
    rows = {
        "stream_id": np.full(len(begins), stream_id, np.int16),
        "time": pa.array(time[np.append(begins[1:], len(won)) - 1], pa.timestamp("us")),
        "evidence": np.maximum.reduceat(won, begins),
    }
    cursor.register("incoming", pa.table(rows))
    cursor.execute("INSERT INTO evidence BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")


def _forget_others(cursor: duckdb.DuckDBPyConnection, watched: Sequence[Watched]) -> None:
    names = {of.stream for of in watched}
    kept = _rows(cursor, "SELECT stream_id, endpoint, variant FROM drift JOIN streams USING (stream_id)")
    for stream_id, *stream in kept:
        if tuple(stream) not in names:
            for table in ("drift", "evidence"):
                cursor.execute(f"DELETE FROM {table} WHERE stream_id = ?", [stream_id])  # noqa: S608  our own words


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return cursor.execute(sql, list(values)).fetchall()


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
