"""Bringing capture files into the store: new and replaced ones only, each exactly once; deleted ones leave it."""

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
_PAGE_OBJECTS = 10_000
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
    """Make the store hold what the listing does; it must begin no earlier than this call, in the order of its keys.

    Objects that are new or were replaced are fetched; those that are listed no more are forgotten. Each batch is one
    transaction, so a crash loses only work, and a second ingest at the same time finds it done.
    """
    report = IngestReport()
    changed = _changed(store, listed)
    with ThreadPoolExecutor(_FETCH_THREADS) as pool:
        while batch := list(islice(changed, _BATCH_OBJECTS)):
            contents = list(pool.map(lambda item: fetch(bucket, item), batch))
            report += _write(store, batch, contents)
    return report


def _changed(store: CaptureStore, listed: Iterator[CaptureObject]) -> Iterator[CaptureObject]:
    """Those of the listed objects that the store does not have in this version; forgets what is listed no more.

    Only what the store held before the listing: what another ingest brings in meanwhile may be too new for it.
    """
    [(newest,)] = store.query("SELECT coalesce(max(object_id), 0) FROM objects")
    between = "SELECT key, etag, object_id FROM objects WHERE key > ? AND key <= ?"
    last = ""
    while page := list(islice(listed, _PAGE_OBJECTS)):
        rows = store.query(between, [last, page[-1].key])
        last = page[-1].key
        known = {key: etag for key, etag, _ in rows}
        present = {item.key for item in page}
        _forget(store, [object_id for key, _, object_id in rows if key not in present and object_id <= newest])
        yield from (item for item in page if known.get(item.key) != item.etag)
    rest = store.query("SELECT object_id FROM objects WHERE key > ? AND object_id <= ?", [last, newest])
    _forget(store, [object_id for (object_id,) in rest])


def _forget(store: CaptureStore, object_ids: Sequence[int]) -> None:
    if object_ids:
        with store.writing() as cursor:
            _delete(cursor, object_ids)


def _delete(cursor: duckdb.DuckDBPyConnection, object_ids: Sequence[int]) -> None:
    for table in ("records", "quarantine", "objects"):
        cursor.execute(f"DELETE FROM {table} WHERE object_id IN (SELECT unnest(?))", [object_ids])  # noqa: S608


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
    if old := cursor.execute("SELECT object_id FROM objects WHERE key = ?", [item.key]).fetchall():
        _delete(cursor, [object_id for (object_id,) in old])
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
