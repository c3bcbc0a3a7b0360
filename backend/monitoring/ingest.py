"""Bringing capture files into the store: new and replaced ones only, each exactly once; deleted ones leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
_REASONS = 15  # that are kept of a file
_ANOTHER_REASON = f"another reason than the first {_REASONS} in its file"


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


@dataclass(frozen=True)
class KnownObject:
    """A capture file as the store has it."""

    object_id: int
    etag: str


@dataclass(frozen=True)
class Difference:
    """What must be done for the store to hold what was listed: read these files, forget those."""

    changed: list[CaptureObject]
    gone: list[int]


@dataclass(frozen=True)
class ReadObject:
    """A capture file with its lines decoded."""

    item: CaptureObject
    inferences: list[Inference]
    broken: list[BrokenLine]


def ingest(store: CaptureStore, bucket: S3Store, listed: Iterator[CaptureObject]) -> IngestReport:
    """Make the store hold what the listing does; it must begin no earlier than this call, in the order of its keys.

    Files that are new or were replaced are read; those that are listed no more are forgotten. Each batch is one
    transaction, so a crash loses only work, and a second ingest at the same time finds it done.
    """
    report = IngestReport()
    # What another ingest brings in meanwhile may be too new for this listing: it is not taken for gone.
    [(newest,)] = store.query("SELECT coalesce(max(object_id), 0) FROM objects")
    with ThreadPoolExecutor(_FETCH_THREADS) as pool:
        for page, known in _pages(store, listed):
            difference = compare(page, known, newest)
            _forget(store, difference.gone)
            for batch in _batches(difference.changed):
                contents = pool.map(lambda item: fetch(bucket, item), batch)
                pairs = zip(batch, contents, strict=True)
                report += _write(store, [_read(item, content) for item, content in pairs if content is not None])
    return report


def compare(listed: Sequence[CaptureObject], known: Mapping[str, KnownObject], newest: int) -> Difference:
    """What differs between listed files and those that the store has in the same range of keys.

    Files that came into the store after `newest` was its newest are not gone, though they are not listed.
    """
    present = {item.key for item in listed}
    versions = {key: item.etag for key, item in known.items()}
    return Difference(
        changed=[item for item in listed if versions.get(item.key) != item.etag],
        gone=[item.object_id for key, item in known.items() if key not in present and item.object_id <= newest],
    )


def _pages(
    store: CaptureStore, listed: Iterator[CaptureObject]
) -> Iterator[tuple[list[CaptureObject], dict[str, KnownObject]]]:
    """The listing, page by page, each with what the store has in that range of keys; the last page has no end."""
    last = ""
    while page := list(islice(listed, _PAGE_OBJECTS)):
        yield page, _known(store, "key > ? AND key <= ?", [last, page[-1].key])
        last = page[-1].key
    yield [], _known(store, "key > ?", [last])


def _known(store: CaptureStore, condition: str, values: Sequence[str]) -> dict[str, KnownObject]:
    rows = store.query(f"SELECT key, object_id, etag FROM objects WHERE {condition}", values)  # noqa: S608
    return {key: KnownObject(object_id, etag) for key, object_id, etag in rows}


def _batches(items: Sequence[CaptureObject]) -> Iterator[Sequence[CaptureObject]]:
    for start in range(0, len(items), _BATCH_OBJECTS):
        yield items[start : start + _BATCH_OBJECTS]


def _read(item: CaptureObject, content: bytes) -> ReadObject:
    lines = list(read_lines(content, item.delivered_at))
    inferences = [line for line in lines if isinstance(line, Inference)]
    return ReadObject(item, inferences, [line for line in lines if isinstance(line, BrokenLine)])


def _forget(store: CaptureStore, object_ids: Sequence[int]) -> None:
    if object_ids:
        with store.writing() as cursor:
            _delete(cursor, object_ids)


def _delete(cursor: duckdb.DuckDBPyConnection, object_ids: Sequence[int]) -> None:
    for table in ("records", "quarantine", "objects"):
        cursor.execute(f"DELETE FROM {table} WHERE object_id IN (SELECT unnest(?))", [object_ids])  # noqa: S608


def _write(store: CaptureStore, batch: Iterable[ReadObject]) -> IngestReport:
    report = IngestReport()
    with store.writing() as cursor:
        for read in batch:
            if not _has(cursor, read.item):
                _replace(cursor, read)
                report += IngestReport(1, len(read.inferences), len(read.broken))
    return report


def _has(cursor: duckdb.DuckDBPyConnection, item: CaptureObject) -> bool:
    found = cursor.execute("SELECT 1 FROM objects WHERE key = ? AND etag = ?", [item.key, item.etag]).fetchall()
    return bool(found)


def _replace(cursor: duckdb.DuckDBPyConnection, read: ReadObject) -> None:
    """Put a file's lines in the place of those of its last version."""
    if old := cursor.execute("SELECT object_id FROM objects WHERE key = ?", [read.item.key]).fetchall():
        _delete(cursor, [object_id for (object_id,) in old])
    inserted = cursor.execute(
        "INSERT INTO objects (key, etag) VALUES (?, ?) RETURNING object_id", [read.item.key, read.item.etag]
    ).fetchall()
    object_id: int = inserted[0][0]
    if read.inferences:
        _insert(cursor, "records", _records_table(object_id, read.inferences))
    if read.broken:
        _insert(cursor, "quarantine", _quarantine_table(object_id, read.broken))


def _insert(cursor: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    cursor.register("incoming", rows)
    cursor.execute(f"INSERT INTO {name} ({', '.join(_quoted(rows))}) SELECT * FROM incoming")  # noqa: S608
    cursor.unregister("incoming")


def _quoted(table: pa.Table) -> list[str]:
    return [f'"{name}"' for name in table.column_names]


def _records_table(object_id: int, inferences: Sequence[Inference]) -> pa.Table:
    return pa.table(
        {
            "object_id": pa.array([object_id] * len(inferences), pa.int64()),
            "offset": [inference.offset for inference in inferences],
            "length": [inference.length for inference in inferences],
            "inference_id": pa.array([inference.inference_id for inference in inferences], pa.string()),
            "time": pa.array([inference.time for inference in inferences], pa.timestamp("us", "UTC")),
            "confidence": [inference.confidence for inference in inferences],
            "predicted_index": pa.array([inference.predicted_index for inference in inferences], pa.int32()),
        }
    )


def _quarantine_table(object_id: int, broken: Sequence[BrokenLine]) -> pa.Table:
    """Every broken line; of the reasons, which may be another one in each line, as many as a file's kinds of faults."""
    kept = set(islice(dict.fromkeys(line.reason for line in broken), _REASONS))
    return pa.table(
        {
            "object_id": pa.array([object_id] * len(broken), pa.int64()),
            "offset": [line.offset for line in broken],
            "length": [line.length for line in broken],
            "reason": [line.reason if line.reason in kept else _ANOTHER_REASON for line in broken],
        }
    )
