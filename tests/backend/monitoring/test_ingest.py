"""Ingest alone: a store in a folder, and a bucket in memory."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from backend.errors import CaptureUnavailable
from backend.monitoring import ingest as ingesting
from backend.monitoring import objects, writing
from backend.monitoring.ingest import IngestReport, compare, ingest
from backend.monitoring.layout import Stream
from backend.monitoring.objects import CaptureObject, Listed, list_all
from backend.monitoring.places import BucketPlace
from backend.monitoring.store import CaptureStore
from tests.capture_lines import capture_line as line


@pytest.fixture
def store(tmp_path: Path) -> CaptureStore:
    return CaptureStore(tmp_path / "captures" / "store.duckdb")


@pytest.fixture
def bucket() -> Any:
    """It stands for one in S3: obstore has the same calls for both."""
    return MemoryStore()


def put(bucket: Any, key: str, *lines: bytes) -> CaptureObject:
    content = b"".join(lines)
    etag = obstore.put(bucket, key, content)["e_tag"]
    assert etag is not None
    return CaptureObject(key, etag, datetime.now(UTC), len(content))


def bring(store: CaptureStore, bucket: Any, *items: CaptureObject) -> IngestReport:
    """Ingest a listing of these files."""
    return ingest(store, BucketPlace(bucket), [Listed("", None, sorted(items, key=lambda item: item.key))])


def rows(store: CaptureStore, columns: str, table: str) -> list[tuple[Any, ...]]:
    return sorted(store.query(f"SELECT {columns} FROM {table}"))  # noqa: S608  this file's own words


# What differs


A, B, C = (CaptureObject(f"{key}.jsonl", "1", datetime(2026, 1, 2, tzinfo=UTC), 100) for key in "abc")
A2 = CaptureObject("a.jsonl", "2", datetime(2026, 1, 2, tzinfo=UTC), 100)


@pytest.mark.parametrize(
    ("known", "listed", "changed", "gone"),
    [
        ([], [], [], []),
        ([], [A, B], [A, B], []),
        ([A], [A], [], []),
        ([A], [A2], [A2], []),
        ([A, B], [A], [], [B]),
        ([A, B], [C], [C], [A, B]),
        ([A, B, C], [], [], [A, B, C]),
    ],
)
def test_new_and_replaced_files_differ_and_deleted_ones_are_gone(
    store: CaptureStore,
    known: list[CaptureObject],
    listed: list[CaptureObject],
    changed: list[CaptureObject],
    gone: list[CaptureObject],
) -> None:
    with store.writing() as cursor:
        writing.replace_files(cursor, known, [])
        ids = dict(cursor.execute("SELECT key, file_id FROM files").fetchall())
        found = compare(cursor, Listed("", None, listed))
    assert (found[0], sorted(found[1])) == (changed, sorted(ids[file.key] for file in gone))


@pytest.mark.parametrize(
    ("after", "until", "gone"),
    [("", "a.jsonl", "a"), ("a.jsonl", "b.jsonl", "b"), ("b.jsonl", None, "c"), ("c.jsonl", None, "")],
)
def test_only_what_is_in_the_range_that_was_listed_can_be_gone(
    store: CaptureStore, after: str, until: str | None, gone: str
) -> None:
    with store.writing() as cursor:
        writing.replace_files(cursor, [A, B, C], [])
    ingest(store, BucketPlace(MemoryStore()), [Listed(after, until)])
    assert rows(store, "key", "files") == [(f"{name}.jsonl",) for name in "abc" if name != gone]


# What is written


def test_each_line_is_kept_with_where_it_is(store: CaptureStore, bucket: Any) -> None:
    first = line([0.25, 0.5, 0.25], "2026-01-02T03:04:05Z", eventMetadata__inferenceId="one")
    broken = b"no record\n"
    last = line([0.75, 0.25], "2026-01-02T04:04:05.250+01:00", eventMetadata__inferenceId=None)
    item = put(bucket, "a.jsonl", first, b"\n", broken, last)
    assert bring(store, bucket, item) == IngestReport(1, 2, 1)

    [(file_id, key, etag, records, broken_lines)] = store.query("SELECT file_id, key, etag, records, broken FROM files")
    assert (key, etag, records, broken_lines) == (item.key, item.etag, 2, 1)
    columns = 'file_id, "offset", length, inference_id, time, confidence, class_index, bin'
    at = len(first) + 1 + len(broken)
    assert rows(store, columns, "records") == [
        (file_id, 0, len(first), "one", datetime(2026, 1, 2, 3, 4, 5), 0.5, 1, 100),
        (file_id, at, len(last), None, datetime(2026, 1, 2, 3, 4, 5, 250_000), 0.75, 0, 150),
    ]
    [(broken_id, offset, length, reason)] = store.query("SELECT * FROM quarantine")
    assert (broken_id, offset, length) == (file_id, len(first) + 1, len(broken))
    assert "JSON is malformed" in reason


def test_pictures_are_measured_and_those_that_cannot_be_are_counted(store: CaptureStore, bucket: Any) -> None:
    damaged = line([0.9, 0.1], captureData__endpointInput__data="iVBORw0KGgo=")
    table = line(
        [0.9, 0.1],
        captureData__endpointInput={
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "1,2",
            "encoding": "CSV",
        },
    )
    bring(store, bucket, put(bucket, "a.jsonl", line([0.9, 0.1]), damaged, table))
    found = store.query('SELECT width, height, sharpness FROM records ORDER BY "offset"')
    assert found == [(1, 1, 0.0), (None, None, None), (None, None, None)]
    assert store.query("SELECT undecodable FROM files") == [(1,)]


def test_an_answer_with_several_predictions_is_several_records(store: CaptureStore, bucket: Any) -> None:
    answers = line(
        [], captureData__endpointOutput__data="0.9,0.1\n0.2,0.8", captureData__endpointOutput__encoding="CSV"
    )
    bring(store, bucket, put(bucket, "a.jsonl", answers))
    assert rows(store, "position, class_index, confidence", "records") == [(0, 0, 0.9), (1, 1, 0.8)]


def test_endpoints_and_variants_are_told_apart(store: CaptureStore, bucket: Any) -> None:
    time = datetime(2026, 1, 2, 4, tzinfo=UTC)
    streams = {"a": Stream("one", "A"), "b": Stream("one", "B"), "c": Stream("one", "A"), "d": Stream("", "")}
    items = []
    for name, stream in streams.items():
        etag = obstore.put(bucket, name, line([0.9, 0.1], eventMetadata__inferenceId=name))["e_tag"]
        items.append(CaptureObject(name, str(etag), time, 100, stream))
    bring(store, bucket, *items)
    found = store.query("SELECT inference_id, endpoint, variant FROM records JOIN streams USING (stream_id)")
    assert {name: Stream(*stream) for name, *stream in found} == streams


@pytest.mark.parametrize("content", [b"", b"broken\n", b"\n\n"])
def test_a_file_without_a_record_is_read_once(store: CaptureStore, bucket: Any, content: bytes) -> None:
    item = put(bucket, "a.jsonl", content)
    assert bring(store, bucket, item).objects == 1
    assert bring(store, bucket, item) == IngestReport()
    assert rows(store, "key", "files") == [("a.jsonl",)]
    assert rows(store, "length", "quarantine") == [(len(content),)] * (content == b"broken\n")


def test_a_replaced_files_lines_take_the_place_of_the_old_ones(store: CaptureStore, bucket: Any) -> None:
    other = put(bucket, "b", line([0.9, 0.1]), b"broken b\n")
    bring(store, bucket, put(bucket, "a", line([0.6, 0.4]), b"broken a\n"), other)
    replaced = put(bucket, "a", line([0.7, 0.3]))
    assert bring(store, bucket, replaced, other) == IngestReport(1, 1, 0)
    assert rows(store, "confidence", "records") == [(0.7,), (0.9,)]
    assert rows(store, "length", "quarantine") == [(len(b"broken b\n"),)]
    assert rows(store, "key, etag", "files") == [("a", replaced.etag), ("b", other.etag)]


@pytest.mark.parametrize("deleted", ["a", "b", "c"])
def test_a_deleted_file_leaves_nothing_behind(store: CaptureStore, bucket: Any, deleted: str) -> None:
    items = [put(bucket, key, line([0.9, 0.1], eventMetadata__inferenceId=key), b"broken\n") for key in "abc"]
    bring(store, bucket, *items)
    left = [item for item in items if item.key != deleted]
    assert bring(store, bucket, *left) == IngestReport()
    keys = [(item.key,) for item in left]
    assert rows(store, "key", "files") == keys
    assert rows(store, "inference_id", "records") == keys
    assert len(rows(store, "file_id", "quarantine")) == 2


def test_a_file_that_was_deleted_or_replaced_since_it_was_listed_is_left_to_the_next(
    store: CaptureStore, bucket: Any
) -> None:
    deleted, replaced, kept = (put(bucket, key, line([0.9, 0.1])) for key in "abc")
    obstore.delete(bucket, deleted.key)
    newer = put(bucket, replaced.key, line([0.8, 0.2]))
    assert bring(store, bucket, deleted, replaced, kept) == IngestReport(1, 1, 0)
    assert rows(store, "key", "files") == [("c",)]
    assert bring(store, bucket, newer, kept) == IngestReport(1, 1, 0)
    assert rows(store, "confidence", "records") == [(0.8,), (0.9,)]


def test_what_is_known_is_not_fetched_again(store: CaptureStore, bucket: Any) -> None:
    items = [put(bucket, key, line([0.9, 0.1])) for key in "ab"]
    bring(store, bucket, *items)
    nothing_can_be_fetched_from: Any = None
    assert ingest(store, nothing_can_be_fetched_from, [Listed("", None, items)]) == IngestReport()


# Large and compressed files


def test_a_large_file_is_read_in_parts_as_if_it_were_read_at_once(
    store: CaptureStore, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line([0.5 + n / 100, 0.5 - n / 100], eventMetadata__inferenceId=f"n-{n}") for n in range(40)]
    lines.insert(7, b"broken\n")
    item = put(bucket, "a.jsonl", *lines)
    at_once = CaptureStore(tmp_path / "at-once" / "store.duckdb")
    bring(at_once, bucket, item)
    monkeypatch.setattr(objects, "PART_BYTES", 1000)
    monkeypatch.setattr(ingesting, "fetch_parts", partial(objects.fetch_parts, part_bytes=1000))
    assert bring(store, bucket, item) == IngestReport(1, 40, 1)
    columns = 'inference_id, "offset", length, confidence'
    assert rows(store, columns, "records") == rows(at_once, columns, "records")
    assert rows(store, '"offset", length', "quarantine") == rows(at_once, '"offset", length', "quarantine")


def test_a_compressed_file_is_read_as_what_it_holds(store: CaptureStore, bucket: Any) -> None:
    content = line([0.9, 0.1]) + line([0.2, 0.8])
    assert bring(store, bucket, put(bucket, "a.jsonl.gz", gzip.compress(content))) == IngestReport(1, 2, 0)
    assert rows(store, '"offset"', "records") == [(0,), (len(content) // 2,)]


def test_a_file_of_which_nothing_can_be_believed_is_in_quarantine_with_its_reason(
    store: CaptureStore, bucket: Any
) -> None:
    whole = put(bucket, "b.jsonl", line([0.9, 0.1]))
    damaged = put(bucket, "a.jsonl.gz", gzip.compress(line([0.9, 0.1]) * 100)[:-40])
    assert bring(store, bucket, damaged, whole) == IngestReport(2, 1, 1)
    [(reason,)] = store.query("SELECT reason FROM quarantine")
    assert "gzip is damaged" in reason
    assert bring(store, bucket, damaged, whole) == IngestReport()


def test_a_large_file_that_is_damaged_is_in_quarantine_whole(
    store: CaptureStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_LARGE_GZIP", 10)
    damaged = put(bucket, "a.jsonl.gz", gzip.compress(line([0.9, 0.1]) * 100)[:-40])
    assert damaged.is_large
    assert bring(store, bucket, damaged) == IngestReport(1, 0, 1)
    [(offset, length, reason)] = store.query('SELECT "offset", length, reason FROM quarantine')
    assert (offset, length) == (0, damaged.size)
    assert "gzip is damaged" in reason


# Batches


def test_no_file_is_in_two_batches_and_no_batch_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_FILES", 3)
    monkeypatch.setattr(ingesting, "_BATCH_BYTES", 100)
    items = [
        CaptureObject(str(number), "1", A.delivered_at, size)
        for number, size in enumerate([1, 1, 1, 1, 60, 60, 200, 1])
    ]
    batches = list(ingesting._batches(iter(items)))
    assert [[item.key for item in batch] for batch in batches] == [["0", "1", "2"], ["3", "4"], ["5"], ["6"], ["7"]]


def test_a_batch_is_as_large_as_it_may_be_and_the_next_begins_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_BYTES", 100)
    sizes = [40, 40, 20, 60, 40, 1]
    items = [CaptureObject(str(number), "1", A.delivered_at, size) for number, size in enumerate(sizes)]
    batches = list(ingesting._batches(iter(items)))
    assert [[item.size for item in batch] for batch in batches] == [[40, 40, 20], [60, 40], [1]]


def test_a_large_file_is_alone() -> None:
    small = CaptureObject("small", "1", A.delivered_at, 1)
    large, compressed = (CaptureObject(key, "1", A.delivered_at, 17 << 20) for key in ("a.jsonl", "a.jsonl.gz"))
    batches = list(ingesting._batches(iter([small, large, small, small, compressed, small])))
    assert batches == [[small], [large], [small, small], [compressed], [small]]


def test_pages_and_batches_lose_and_double_nothing(
    store: CaptureStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_FILES", 3)
    monkeypatch.setattr(objects, "_LISTED_AT_ONCE", 4)
    place = BucketPlace(bucket)
    items = [put(bucket, f"{number:02}.jsonl", line([0.9, 0.1]), b"broken\n") for number in range(10)]
    assert ingest(store, place, list_all(place)) == IngestReport(10, 10, 10)
    assert ingest(store, place, list_all(place)) == IngestReport()
    for item in items[3:5]:  # on both sides of a page's end
        obstore.delete(bucket, item.key)
    assert ingest(store, place, list_all(place)) == IngestReport()
    assert rows(store, "key", "files") == [(item.key,) for item in items[:3] + items[5:]]
    for item in items[:3] + items[5:]:
        obstore.delete(bucket, item.key)
    assert ingest(store, place, list_all(place)) == IngestReport()
    assert rows(store, "key", "files") == []


def test_a_batch_is_written_whole_or_not_at_all(
    store: CaptureStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_FILES", 2)
    items = [put(bucket, key, line([0.9, 0.1])) for key in "abcd"]
    insert, inserted = writing._insert, 0

    def break_in_the_second_batch(cursor: Any, table: str, new: Any) -> None:
        nonlocal inserted
        insert(cursor, table, new)
        inserted += table == "records"
        if inserted == 2:
            raise CaptureUnavailable("the machine broke here")

    with monkeypatch.context() as broken:
        broken.setattr(writing, "_insert", break_in_the_second_batch)
        with pytest.raises(CaptureUnavailable):
            bring(store, bucket, *items)
    assert rows(store, "key", "files") == [("a",), ("b",)]
    assert len(rows(store, "record_id", "records")) == 2
    assert bring(store, bucket, *items) == IngestReport(2, 2, 0)
    assert len(rows(store, "record_id", "records")) == 4
    assert store.query("SELECT sum(n) FROM histogram WHERE hours = 1") == [(4,)]


def test_reports_add_up() -> None:
    assert IngestReport(1, 2, 3) + IngestReport(10, 20, 30) == IngestReport(11, 22, 33)
