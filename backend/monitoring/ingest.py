"""Bringing capture files into the store: new and replaced ones only, each exactly once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import duckdb
import pyarrow as pa
from obstore.store import S3Store

from backend.monitoring.objects import CaptureObject, fetch
from backend.monitoring.records import BrokenLine, Inference, read_lines
from backend.monitoring.store import CaptureStore

_BATCH_OBJECTS = 500
_FETCH_THREADS = 32


@dataclass(frozen=True)
class IngestReport:
    """What a refresh brought in."""

    objects: int = 0
    records: int = 0
    quarantined: int = 0

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(
            self.objects + other.objects, self.records + other.records, self.quarantined + other.quarantined
        )


def ingest(store: CaptureStore, bucket: S3Store, listed: Iterator[CaptureObject]) -> IngestReport:
    """Bring in what is new of the objects listed: those not seen yet, or replaced since.

    Each batch is one transaction, so a crash loses only work, and a second ingest at the same time finds it done.
    """
    report = IngestReport()
    changed = _changed(store, listed)
    with ThreadPoolExecutor(_FETCH_THREADS) as pool:
        while batch := list(islice(changed, _BATCH_OBJECTS)):
            contents = list(pool.map(lambda item: fetch(bucket, item), batch))
            report += _write(store, batch, contents)
    return report


def _changed(store: CaptureStore, listed: Iterator[CaptureObject]) -> Iterator[CaptureObject]:
    """Those of the listed objects that the store does not have in this version."""
    while page := list(islice(listed, 10_000)):
        keys = [item.key for item in page]
        known = dict(store.query("SELECT key, etag FROM objects WHERE key IN (SELECT unnest(?))", [keys]))
        yield from (item for item in page if known.get(item.key) != item.etag)


def _write(store: CaptureStore, batch: Sequence[CaptureObject], contents: Sequence[bytes | None]) -> IngestReport:
    report = IngestReport()
    with store.writing() as cursor:
        for item, content in zip(batch, contents, strict=True):
            if content is not None and not _has(cursor, item):
                report += _replace(cursor, item, content)
    return report


def _has(cursor: duckdb.DuckDBPyConnection, item: CaptureObject) -> bool:
    found = cursor.execute("SELECT 1 FROM objects WHERE key = ? AND etag = ?", [item.key, item.etag]).fetchall()
    return bool(found)


def _replace(cursor: duckdb.DuckDBPyConnection, item: CaptureObject, content: bytes) -> IngestReport:
    """Put an object's lines in the place of those of its last version."""
    for (old,) in cursor.execute("SELECT object_id FROM objects WHERE key = ?", [item.key]).fetchall():
        cursor.execute("DELETE FROM records WHERE object_id = ?", [old])
        cursor.execute("DELETE FROM quarantine WHERE object_id = ?", [old])
        cursor.execute("DELETE FROM objects WHERE object_id = ?", [old])
    values = [item.key, item.etag, item.endpoint, item.variant, item.modified]
    inserted = cursor.execute(
        "INSERT INTO objects (key, etag, endpoint, variant, modified) VALUES (?, ?, ?, ?, ?) RETURNING object_id",
        values,
    ).fetchall()
    object_id: int = inserted[0][0]
    lines = list(read_lines(content))
    inferences = [line for line in lines if isinstance(line, Inference)]
    broken = [line for line in lines if isinstance(line, BrokenLine)]
    if inferences:
        table = _records_table(object_id, inferences)
        cursor.register("incoming", table)
        cursor.execute(f"INSERT INTO records ({', '.join(_quoted(table))}) SELECT * FROM incoming")  # noqa: S608
        cursor.unregister("incoming")
    for line in broken:
        values = [object_id, line.offset, line.length, line.reason]
        cursor.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", values)
    return IngestReport(1, len(inferences), len(broken))


def _quoted(table: pa.Table) -> list[str]:
    return [f'"{name}"' for name in table.column_names]


def _records_table(object_id: int, inferences: Sequence[Inference]) -> pa.Table:
    times: list[datetime] = [inference.time for inference in inferences]
    return pa.table(
        {
            "object_id": pa.array([object_id] * len(inferences), pa.int64()),
            "offset": [inference.offset for inference in inferences],
            "length": [inference.length for inference in inferences],
            "event_id": [inference.event_id for inference in inferences],
            "inference_id": pa.array([inference.inference_id for inference in inferences], pa.string()),
            "time": pa.array(times, pa.timestamp("us", "UTC")),
            "confidence": [inference.confidence for inference in inferences],
            "predicted_index": pa.array([inference.predicted_index for inference in inferences], pa.int32()),
        }
    )
