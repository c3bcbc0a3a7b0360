"""Ingest alone: a store in a folder, and a bucket in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from backend.errors import CaptureUnavailable
from backend.monitoring import ingest as ingesting
from backend.monitoring.ingest import Difference, IngestReport, KnownObject, compare, ingest
from backend.monitoring.objects import CaptureObject
from backend.monitoring.store import CaptureStore
from tests.capture_lines import capture_line as line


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaptureStore]:
    with closing(CaptureStore(tmp_path / "captures" / "store.duckdb")) as opened:
        yield opened


@pytest.fixture
def bucket() -> Any:
    """It stands for one in S3: obstore has the same calls for both."""
    return MemoryStore()


def put(bucket: Any, key: str, *lines: bytes) -> CaptureObject:
    etag = obstore.put(bucket, key, b"".join(lines))["e_tag"]
    assert etag is not None
    return CaptureObject(key, etag, datetime.now(UTC))


def rows(store: CaptureStore, columns: str, table: str) -> list[tuple[Any, ...]]:
    return sorted(store.query(f"SELECT {columns} FROM {table}"))  # noqa: S608  this file's own words


# What differs


A, B, C = (CaptureObject(key, "1", datetime(2026, 1, 2, tzinfo=UTC)) for key in "abc")


@pytest.mark.parametrize(
    ("listed", "known", "changed", "gone"),
    [
        ([], {}, [], []),
        ([A, B], {}, [A, B], []),
        ([A], {"a": KnownObject(1, "1")}, [], []),
        ([A], {"a": KnownObject(1, "0")}, [A], []),
        ([A], {"a": KnownObject(1, "1"), "b": KnownObject(2, "1")}, [], [2]),
        ([], {"a": KnownObject(5, "1"), "b": KnownObject(6, "1")}, [], [5]),  # 6 came while the listing was made
        ([C], {"a": KnownObject(1, "1"), "b": KnownObject(2, "1")}, [C], [1, 2]),
    ],
)
def test_new_and_replaced_files_differ_and_deleted_ones_are_gone(
    listed: list[CaptureObject], known: dict[str, KnownObject], changed: list[CaptureObject], gone: list[int]
) -> None:
    assert compare(listed, known, newest=5) == Difference(changed, gone)


# What is written


def test_each_line_is_kept_with_where_it_is(store: CaptureStore, bucket: Any) -> None:
    first = line([0.25, 0.5, 0.25], "2026-01-02T03:04:05Z", eventMetadata__inferenceId="one")
    broken = b"no record\n"
    last = line([0.75, 0.25], "2026-01-02T04:04:05+01:00", eventMetadata__inferenceId=None)
    item = put(bucket, "a", first, b"\n", broken, last)
    assert ingest(store, bucket, iter([item])) == IngestReport(1, 2, 1)

    [(object_id, key, etag)] = store.query("SELECT object_id, key, etag FROM objects")
    assert (key, etag) == (item.key, item.etag)
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    columns = 'object_id, "offset", length, inference_id, time, confidence, predicted_index'
    at = len(first) + 1 + len(broken)
    assert rows(store, columns, "records") == [
        (object_id, 0, len(first), "one", time, 0.5, 1),
        (object_id, at, len(last), None, time, 0.75, 0),
    ]
    [(broken_id, offset, length, reason)] = store.query("SELECT * FROM quarantine")
    assert (broken_id, offset, length) == (object_id, len(first) + 1, len(broken))
    assert "JSON is malformed" in reason


@pytest.mark.parametrize("content", [b"", b"broken\n", b"\n\n"])
def test_a_file_without_a_record_is_read_once(store: CaptureStore, bucket: Any, content: bytes) -> None:
    item = put(bucket, "a", content)
    assert ingest(store, bucket, iter([item])).objects == 1
    assert ingest(store, bucket, iter([item])) == IngestReport()
    assert rows(store, "key", "objects") == [("a",)]
    assert rows(store, "length", "quarantine") == [(len(content),)] * (content == b"broken\n")


def test_a_replaced_files_lines_take_the_place_of_the_old_ones(store: CaptureStore, bucket: Any) -> None:
    other = put(bucket, "b", line([0.9, 0.1]), b"broken b\n")
    ingest(store, bucket, iter([put(bucket, "a", line([0.6, 0.4]), b"broken a\n"), other]))
    replaced = put(bucket, "a", line([0.7, 0.3]))
    assert ingest(store, bucket, iter([replaced, other])) == IngestReport(1, 1, 0)
    assert rows(store, "confidence", "records") == [(0.7,), (0.9,)]
    assert rows(store, "length", "quarantine") == [(len(b"broken b\n"),)]
    assert rows(store, "key, etag", "objects") == [("a", replaced.etag), ("b", other.etag)]


@pytest.mark.parametrize("deleted", ["a", "b", "c"])
def test_a_deleted_file_leaves_nothing_behind(store: CaptureStore, bucket: Any, deleted: str) -> None:
    items = [put(bucket, key, line([0.9, 0.1], eventMetadata__inferenceId=key), b"broken\n") for key in "abc"]
    ingest(store, bucket, iter(items))
    left = [item for item in items if item.key != deleted]
    assert ingest(store, bucket, iter(left)) == IngestReport()
    keys = [(item.key,) for item in left]
    assert rows(store, "key", "objects") == keys
    assert rows(store, "inference_id", "records") == keys
    assert len(rows(store, "object_id", "quarantine")) == 2


def test_a_file_that_was_deleted_or_replaced_since_it_was_listed_is_left_to_the_next(
    store: CaptureStore, bucket: Any
) -> None:
    deleted, replaced, kept = (put(bucket, key, line([0.9, 0.1])) for key in "abc")
    obstore.delete(bucket, deleted.key)
    newer = put(bucket, replaced.key, line([0.8, 0.2]))
    assert ingest(store, bucket, iter([deleted, replaced, kept])) == IngestReport(1, 1, 0)
    assert rows(store, "key", "objects") == [("c",)]
    assert ingest(store, bucket, iter([newer, kept])) == IngestReport(1, 1, 0)
    assert rows(store, "confidence", "records") == [(0.8,), (0.9,)]


def test_what_another_ingest_has_just_read_is_neither_read_again_nor_gone(store: CaptureStore, bucket: Any) -> None:
    early, late = put(bucket, "a", line([0.9, 0.1])), put(bucket, "b", line([0.8, 0.2]))

    def listing_during_which_another_finds_more() -> Iterable[CaptureObject]:
        assert ingest(store, bucket, iter([early, late])).objects == 2
        yield early

    assert ingest(store, bucket, iter(listing_during_which_another_finds_more())) == IngestReport()
    assert rows(store, "key", "objects") == [("a",), ("b",)]


def test_what_is_known_is_not_fetched_again(store: CaptureStore, bucket: Any) -> None:
    items = [put(bucket, key, line([0.9, 0.1])) for key in "ab"]
    ingest(store, bucket, iter(items))
    nothing_can_be_fetched_from: Any = None
    assert ingest(store, nothing_can_be_fetched_from, iter(items)) == IngestReport()


def test_no_file_is_in_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_OBJECTS", 3)
    items = [A, B, C, A, B, C, A]
    assert list(ingesting._batches(items)) == [items[:3], items[3:6], items[6:]]


def test_of_two_ingests_that_read_the_same_file_one_writes_it(store: CaptureStore, bucket: Any) -> None:
    item = put(bucket, "a", line([0.9, 0.1]))
    read = ingesting._read(item, line([0.9, 0.1]))
    assert ingesting._write(store, [read]) == IngestReport(1, 1, 0)
    assert ingesting._write(store, [read]) == IngestReport()
    assert rows(store, "confidence", "records") == [(0.9,)]


def test_pages_and_batches_lose_and_double_nothing(
    store: CaptureStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_PAGE_OBJECTS", 4)
    monkeypatch.setattr(ingesting, "_BATCH_OBJECTS", 3)
    items = [put(bucket, f"{number:02}", line([0.9, 0.1]), b"broken\n") for number in range(10)]
    assert ingest(store, bucket, iter(items)) == IngestReport(10, 10, 10)
    assert ingest(store, bucket, iter(items)) == IngestReport()
    del items[3:5]  # on both sides of a page's end
    assert ingest(store, bucket, iter(items)) == IngestReport()
    assert rows(store, "key", "objects") == [(item.key,) for item in items]
    assert ingest(store, bucket, iter(())) == IngestReport()
    assert rows(store, "key", "objects") == []


def test_a_batch_is_written_whole_or_not_at_all(
    store: CaptureStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_BATCH_OBJECTS", 2)
    items = [put(bucket, key, line([0.9, 0.1])) for key in "abcd"]
    write, written = ingesting._replace, 0

    def break_in_the_second_batch(*arguments: Any) -> None:
        nonlocal written
        write(*arguments)
        written += 1
        if written == 3:
            raise CaptureUnavailable("the machine broke here")

    with monkeypatch.context() as broken:
        broken.setattr(ingesting, "_replace", break_in_the_second_batch)
        with pytest.raises(CaptureUnavailable):
            ingest(store, bucket, iter(items))
    assert rows(store, "key", "objects") == [("a",), ("b",)]
    assert ingest(store, bucket, iter(items)) == IngestReport(2, 2, 0)
    assert len(rows(store, "record_id", "records")) == 4


def test_reports_add_up() -> None:
    assert IngestReport(1, 2, 3) + IngestReport(10, 20, 30) == IngestReport(11, 22, 33)
