"""Files put into the store, in place of what it had of them, and taken out of it; always inside of a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from backend.monitoring import rollups
from backend.monitoring.batches import Part, quarantine_table, records_table
from backend.monitoring.objects import CaptureObject

_SAME: Final = ("time", "position", "class_index", "confidence", "inference_id", "content")
"""What tells a record of a file from the others in it."""
Earlier = Mapping[tuple[Any, ...], list[int]]
"""The numbers of records by their file's key and what tells them there."""


def replace_files(
    cursor: duckdb.DuckDBPyConnection, files: Sequence[CaptureObject], chunks: Iterable[Sequence[Part]]
) -> tuple[int, int]:
    """Put files in the place of their last versions, their parts chunk by chunk; counts records and broken lines.

    A record that the last version had keeps its number: what goes by numbers takes it for no new one.
    """
    cursor.register("replaced", pa.table({"key": [file.key for file in files]}))
    earlier = _earlier(cursor)
    forget_files(cursor, "SELECT file_id FROM files WHERE key IN (SELECT key FROM replaced)")
    cursor.unregister("replaced")
    file_ids = _numbers(cursor, "file_ids", len(files))
    stream_ids = _stream_ids(cursor, files)
    records, broken, undecodable, lags = (np.zeros(len(files), np.int64) for _ in range(4))
    for parts in chunks:
        _add_records(cursor, parts, file_ids, stream_ids, files, earlier)
        _insert(cursor, "quarantine", quarantine_table(parts, file_ids))
        for part in parts:
            records[part.file] += len(part.lines.time)
            broken[part.file] += len(part.lines.broken)
            undecodable[part.file] += sum(picture.is_undecodable for picture in part.pictures)
            lags[part.file] = max(lags[part.file], _lag(files[part.file], part))
    delivered_at = pa.array([file.delivered_at for file in files], pa.timestamp("us", "UTC"))
    rows = {
        "file_id": file_ids,
        "key": [file.key for file in files],
        "etag": [file.etag for file in files],
        "stream_id": stream_ids,
        "delivered_at": delivered_at.cast(pa.timestamp("us")),
        "lag_seconds": lags / 1e6,
        "records": records,
        "broken": broken,
        "undecodable": undecodable,
    }
    _insert(cursor, "files", pa.table(rows))
    return int(records.sum()), int(broken.sum())


def forget_files(cursor: duckdb.DuckDBPyConnection, file_ids: str, values: Sequence[Any] = ()) -> None:
    """Delete the files that this SELECT names, with all that was read of them."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE gone AS {file_ids}", list(values))
    if cursor.execute("SELECT 1 FROM gone LIMIT 1").fetchall():
        rollups.remove(cursor, "gone")
        cursor.execute("DELETE FROM quarantine WHERE file_id IN (SELECT file_id FROM gone)")
        cursor.execute("DELETE FROM files WHERE file_id IN (SELECT file_id FROM gone)")
    cursor.execute("DROP TABLE gone")


def _add_records(
    cursor: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    file_ids: Any,
    stream_ids: Any,
    files: Sequence[CaptureObject],
    earlier: Earlier,
) -> None:
    count = sum(len(part.lines.time) for part in parts)
    if count:
        rows = records_table(parts, _numbers(cursor, "record_ids", count), file_ids, stream_ids)
        if earlier:
            keys = {int(number): file.key for number, file in zip(file_ids, files, strict=True)}
            rows = _with_earlier_numbers(rows, keys, earlier)
        _insert(cursor, "records", rows)
        cursor.register("added", rows)
        rollups.add(cursor, "added")
        cursor.unregister("added")


def _earlier(cursor: duckdb.DuckDBPyConnection) -> Earlier:
    """Those of the files that are replaced."""
    if not cursor.execute("SELECT 1 FROM files WHERE key IN (SELECT key FROM replaced) LIMIT 1").fetchall():
        return {}
    rows = cursor.execute(
        f"""SELECT key, {", ".join(_SAME)}, record_id FROM records JOIN files USING (file_id)
        WHERE key IN (SELECT key FROM replaced) ORDER BY record_id DESC"""  # noqa: S608  our own words
    ).fetchall()
    found: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for *record, number in rows:
        found[tuple(record)].append(number)
    return found


def _with_earlier_numbers(rows: pa.Table, keys: Mapping[int, str], earlier: Earlier) -> pa.Table:
    """The records with the numbers that they had; of equal ones each number is used once, the lowest first."""
    numbers = rows["record_id"].to_pylist()
    columns = [rows[name].to_pylist() for name in ("file_id", *_SAME)]
    for place, (file_id, *record) in enumerate(zip(*columns, strict=True)):
        if known := earlier.get((keys[file_id], *record)):
            numbers[place] = known.pop()
    return rows.set_column(0, "record_id", pa.array(numbers, pa.int64()))


def _lag(file: CaptureObject, part: Part) -> int:
    """Microseconds from the first inference to the delivery of its file."""
    delivered_at = int(file.delivered_at.timestamp() * 1_000_000)
    return delivered_at - min(part.lines.time, default=delivered_at)


def _stream_ids(cursor: duckdb.DuckDBPyConnection, files: Sequence[CaptureObject]) -> Any:
    """The ids of the files' streams, those of new ones made."""
    rows = cursor.execute("SELECT endpoint, variant, stream_id FROM streams").fetchall()
    known = {(endpoint, variant): stream_id for endpoint, variant, stream_id in rows}
    streams = [(file.stream.endpoint, file.stream.variant) for file in files]
    for stream in dict.fromkeys(streams):
        if stream not in known:
            [stream_id] = _numbers(cursor, "stream_ids", 1)
            cursor.execute("INSERT INTO streams VALUES (?, ?, ?)", [int(stream_id), *stream])
            known[stream] = int(stream_id)
    return np.array([known[stream] for stream in streams], np.int16)


def _numbers(cursor: duckdb.DuckDBPyConnection, sequence: str, count: int) -> Any:
    """The next `count` numbers of a sequence, as int64."""
    return cursor.execute(f"SELECT nextval('{sequence}') AS number FROM range({count})").fetchnumpy()["number"]  # noqa: S608


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    if len(rows):
        cursor.register("incoming", rows)
        cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608  our own words
        cursor.unregister("incoming")
