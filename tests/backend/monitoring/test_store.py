"""The cache of captured inferences, used by many threads and processes while somebody deletes it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from backend import cleanup, monitoring
from backend.aws.environment import Environment
from backend.errors import CaptureUnavailable
from backend.monitoring import store as storing
from backend.monitoring.objects import CaptureObject
from backend.monitoring.selection import Selection
from backend.monitoring.store import CaptureStore, store_at
from backend.monitoring.writing import replace_files
from tests.capture_lines import capture_line as line

ROOT = Path(__file__).parents[3]
TIMEOUT = 20.0
MOMENT = 0.2
"""In which what does not wait is over, and what does is not."""
Put = Callable[..., str]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def store(tmp_path: Path) -> CaptureStore:
    return store_at(tmp_path / "cache" / "captures.duckdb")


def add(store: CaptureStore, key: str) -> None:
    with store.writing() as cursor:
        replace_files(cursor, [CaptureObject(key, "1", datetime(2026, 1, 2, tzinfo=UTC), 100)], [])


def keys(store: CaptureStore) -> list[str]:
    return [key for (key,) in store.query("SELECT key FROM files ORDER BY key")]


class Reader:
    """A thread that has the store open until it is told to let go."""

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
        with store.reading() as cursor:
            self._reads.set()
            assert self._may_end.wait(TIMEOUT)
            [(count,)] = cursor.execute("SELECT count(*) FROM files").fetchall()
        return int(count)


_ELSEWHERE = """
import sys
from pathlib import Path
from backend.monitoring.store import CaptureStore
store = CaptureStore(Path(sys.argv[1]))
with store.only_writer() if sys.argv[2] == "writer" else store.kept_open():
    print("there", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def elsewhere(store: CaptureStore, role: str = "reader") -> Iterator[Callable[[], None]]:
    """Another process that has the store; gives what makes it let go, and kills it at the end."""
    command = [sys.executable, "-c", _ELSEWHERE, str(store.path), role]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"there\n"
            yield lambda: process.communicate(b"let go\n", TIMEOUT) and None
        finally:
            process.kill()


# Threads


def test_what_is_read_while_it_is_deleted_is_read_to_the_end(store: CaptureStore, pool: ThreadPoolExecutor) -> None:
    add(store, "a")
    reader = Reader(store, pool)
    deletion = pool.submit(store.delete)
    assert not wait([deletion], MOMENT).done
    assert store.path.exists()
    assert reader.end() == 1
    deletion.result(TIMEOUT)
    assert not store.path.exists()
    assert keys(store) == []
    add(store, "b")
    assert keys(store) == ["b"]


def test_who_reads_sees_what_was_there_when_it_began(store: CaptureStore) -> None:
    add(store, "a")
    with store.reading() as cursor:
        assert cursor.execute("SELECT key FROM files").fetchall() == [("a",)]
        add(store, "b")
        assert cursor.execute("SELECT key FROM files").fetchall() == [("a",)]
    assert keys(store) == ["a", "b"]


def test_what_fails_half_way_is_as_if_it_had_not_begun(store: CaptureStore) -> None:
    add(store, "a")
    with pytest.raises(ZeroDivisionError), store.writing() as cursor:
        cursor.execute("DELETE FROM files")
        raise ZeroDivisionError
    assert keys(store) == ["a"]


def test_cleanup_waits_for_who_is_reading(captures: Environment, put: Put, pool: ThreadPoolExecutor) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    [cache] = (item for item in cleanup.list_resources(captures) if item.kind.name == "local cache")
    reader = Reader(store_at(captures.cache_dir / "captures.duckdb"), pool)
    deletion = pool.submit(cleanup.delete_resources, captures, [cache])
    assert not wait([deletion], MOMENT).done
    assert reader.end() == 1
    deletion.result(TIMEOUT)
    assert not any(path.is_file() for path in captures.cache_dir.rglob("*"))


def test_cleanup_while_pages_read_leaves_them_with_what_s3_has(
    captures: Environment, put: Put, pool: ThreadPoolExecutor
) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    own = monitoring.project_source(captures)
    selection = Selection(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    stop = threading.Event()

    def read() -> int:
        """How often it could be read, as a page does."""
        count = 0
        while not stop.is_set():
            monitoring.refresh_captures(captures)
            found = monitoring.records(captures, own, selection, 10)
            assert found is not None
            assert len(found) <= 1
            count += 1
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
    monitoring.refresh_captures(captures, entirely=True)
    found = monitoring.records(captures, own, selection, 10)
    assert found is not None
    assert list(found["confidence"]) == [0.9]


# Processes


def test_a_second_process_waits_its_turn(store: CaptureStore, pool: ThreadPoolExecutor) -> None:
    add(store, "a")
    with elsewhere(store) as let_go:
        reading = pool.submit(keys, store)
        assert not wait([reading], MOMENT).done
        let_go()
        assert reading.result(TIMEOUT) == ["a"]


def test_a_process_that_never_lets_go_is_said_to_be_there(store: CaptureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "_PATIENCE_SECONDS", MOMENT)
    with elsewhere(store), pytest.raises(CaptureUnavailable, match="Another process of this app"):
        keys(store)
    assert keys(store) == []


def test_one_process_at_a_time_brings_files_in(store: CaptureStore) -> None:
    with elsewhere(store, "writer") as let_go:
        with store.only_writer() as is_only:
            assert not is_only
        let_go()
    with store.only_writer() as is_only, store.only_writer() as is_only_too:
        assert (is_only, is_only_too) == (True, False)


def test_who_was_killed_keeps_nobody_out(store: CaptureStore) -> None:
    with elsewhere(store, "writer"), elsewhere(store):
        pass
    with store.only_writer() as is_only:
        assert is_only
    assert keys(store) == []


def test_between_its_transactions_a_process_gives_others_their_turn(
    store: CaptureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_TURN_SECONDS", 0.0)

    def is_open() -> bool:
        return store._connection is not None

    with store.turns() as take_turns:
        found = []
        for key in "abcd":
            add(store, key)
            take_turns()
            found.append(is_open())
    assert found == [True, False, True, False]
    assert not is_open()


# Files


@pytest.mark.parametrize("damage", [b"", b"not a database", b"\0" * 100_000])
def test_a_damaged_file_is_made_anew(store: CaptureStore, damage: bytes) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(damage)
    assert keys(store) == []
    add(store, "a")
    assert keys(store) == ["a"]


def test_a_file_of_another_version_is_made_anew(store: CaptureStore) -> None:
    store.path.parent.mkdir()
    with closing(duckdb.connect(store.path)) as connection:
        connection.execute("CREATE TABLE version AS SELECT 2 AS number")
        connection.execute("CREATE TABLE objects AS SELECT 'a' AS key")
    assert keys(store) == []


def test_what_cannot_be_kept_is_said_with_its_place(store: CaptureStore) -> None:
    store.path.mkdir(parents=True)
    with pytest.raises((CaptureUnavailable, OSError), match=r"captures\.duckdb"):
        keys(store)


_FILES_OF_A_MEGABYTE = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from backend.errors import CaptureUnavailable
from backend.monitoring.objects import CaptureObject
from backend.monitoring.store import CaptureStore
from backend.monitoring.writing import replace_files
store = CaptureStore(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
time, written = datetime(2026, 1, 2, tzinfo=UTC), 0
try:
    while written < 10_000:
        with store.writing() as cursor:
            files = [CaptureObject(f"{written + n:06}" * 40, "1", time, 1) for n in range(200)]
            replace_files(cursor, files, [])
        written += 200
except CaptureUnavailable as error:
    print(written, error)
"""


def test_what_the_disk_has_no_room_for_is_said_in_words_and_what_was_there_stays(store: CaptureStore) -> None:
    command = [sys.executable, "-c", _FILES_OF_A_MEGABYTE, str(store.path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    written, _, said = ended.stdout.partition(" ")
    assert int(written) >= 200
    assert "captures.duckdb" in said
    assert said.strip().endswith("Make room there, and try again.")
    assert len(keys(store)) == int(written)
