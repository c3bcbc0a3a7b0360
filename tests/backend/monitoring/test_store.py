"""The cache of captured inferences, used by many threads while somebody deletes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from backend import cleanup, monitoring
from backend.aws.environment import Environment
from backend.errors import CaptureUnavailable
from backend.monitoring.store import CaptureStore, delete_store, open_store
from tests.capture_lines import capture_line as line

TIMEOUT = 20.0
MOMENT = 0.2
"""In which what does not wait is over, and what does is not."""
Put = Callable[..., str]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Reader:
    """Holds a cursor of the store until it is told to let go."""

    def __init__(self, store: CaptureStore, pool: ThreadPoolExecutor) -> None:
        self._may_end = threading.Event()
        self._reads = threading.Event()
        self._count: Future[int] = pool.submit(self._read, store)
        assert self._reads.wait(TIMEOUT)

    def end(self) -> int:
        """Let go; how many files it saw, asked once it was told to."""
        self._may_end.set()
        return self._count.result(TIMEOUT)

    def _read(self, store: CaptureStore) -> int:
        with store.writing() as cursor:
            cursor.execute("SELECT count(*) FROM objects").fetchall()
            self._reads.set()
            assert self._may_end.wait(TIMEOUT)
            [(count,)] = cursor.execute("SELECT count(*) FROM objects").fetchall()
        return int(count)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "cache" / "captures.duckdb"
    yield path
    delete_store(path)


def add(store: CaptureStore, key: str) -> None:
    with store.writing() as cursor:
        cursor.execute("INSERT INTO objects (key, etag) VALUES (?, 'etag')", [key])


def test_what_is_read_while_it_is_deleted_is_read_to_the_end(path: Path, pool: ThreadPoolExecutor) -> None:
    store = open_store(path)
    add(store, "a")
    reader = Reader(store, pool)
    deletion = pool.submit(delete_store, path)
    assert not wait([deletion], MOMENT).done
    assert path.exists()
    assert reader.end() == 1
    deletion.result(TIMEOUT)
    assert not path.exists()


def test_cleanup_waits_for_who_is_reading(captures: Environment, put: Put, pool: ThreadPoolExecutor) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    path = captures.cache_dir / "captures.duckdb"
    [cache] = (item for item in cleanup.list_resources(captures) if item.kind.name == "local cache")
    reader = Reader(open_store(path), pool)
    deletion = pool.submit(cleanup.delete_resources, captures, [cache])
    assert not wait([deletion], MOMENT).done
    assert path.exists()
    assert reader.end() == 1
    deletion.result(TIMEOUT)
    assert not captures.cache_dir.exists()


def test_who_asks_afterwards_gets_a_new_store(path: Path, pool: ThreadPoolExecutor) -> None:
    """Not the deleted one, which DuckDB gives out again while anybody has it open."""
    store = open_store(path)
    add(store, "a")
    reader = Reader(store, pool)
    deletion = pool.submit(delete_store, path)
    reader.end()
    deletion.result(TIMEOUT)
    anew = open_store(path)
    assert anew.query("SELECT count(*) FROM objects") == [(0,)]
    add(anew, "b")
    assert path.exists()


def test_whoever_still_holds_the_deleted_store_is_told_in_words(path: Path) -> None:
    store = open_store(path)
    delete_store(path)
    with pytest.raises(CaptureUnavailable, match="Refresh them"):
        store.query("SELECT count(*) FROM objects")
    with pytest.raises(CaptureUnavailable, match="Refresh them"):
        add(store, "a")


def test_a_store_whose_file_somebody_deleted_by_hand_is_made_anew(path: Path, pool: ThreadPoolExecutor) -> None:
    store = open_store(path)
    add(store, "a")
    reader = Reader(store, pool)
    path.unlink()
    anew = pool.submit(open_store, path)
    assert reader.end() == 1
    assert anew.result(TIMEOUT).query("SELECT count(*) FROM objects") == [(0,)]
    assert path.exists()


def test_cleanup_while_pages_read_leaves_them_with_what_s3_has(
    captures: Environment, put: Put, pool: ThreadPoolExecutor
) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    stop = threading.Event()

    def read() -> int:
        """How often it could be read, as a page does."""
        count = 0
        while not stop.is_set():
            try:
                monitoring.refresh_captures(captures)
                assert len(monitoring.confidences(captures)) <= 1
                count += 1
            except CaptureUnavailable:  # said in words, while it is deleted
                continue
        return count

    readers = [pool.submit(read) for _ in range(2)]
    try:
        for _ in range(3):
            [cache] = (item for item in cleanup.list_resources(captures) if item.kind.name == "local cache")
            cleanup.delete_resources(captures, [cache])
            monitoring.refresh_captures(captures)
    finally:
        stop.set()
    assert all(reader.result(TIMEOUT) > 0 for reader in readers)
    monitoring.refresh_captures(captures)
    assert list(monitoring.confidences(captures)["confidence"]) == [0.9]
