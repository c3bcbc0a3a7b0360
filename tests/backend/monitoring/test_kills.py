"""kill -9 in the middle of reading: nothing is lost, nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from backend.monitoring.ingest import ingest
from backend.monitoring.objects import list_all
from backend.monitoring.places import FolderPlace
from backend.monitoring.store import CaptureStore
from tests.capture_lines import capture_line

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
FILES = 240
READ = """
import sys
from pathlib import Path
from backend.monitoring import ingest as ingesting
from backend.monitoring.objects import list_all
from backend.monitoring.places import FolderPlace
from backend.monitoring.store import CaptureStore
ingesting._BATCH_FILES = 3
store, place = CaptureStore(Path(sys.argv[1])), FolderPlace(Path(sys.argv[2]))
print("begins", flush=True)
with store.only_writer():
    ingesting.ingest(store, place, list_all(place))
print("ended", flush=True)
"""


class Files:
    """Capture files in a folder, which change between kills; `expected` is what they hold."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)  # noqa: S311  the same kills each time
        self.expected: dict[Path, list[str]] = {}
        self._numbers = 0
        folder.mkdir()
        for number in range(FILES):
            self._write(folder / f"{number:04}.jsonl")

    def change(self) -> None:
        """Replace some, delete some, add some."""
        for path in self.random.sample(sorted(self.expected), FILES // 4):
            self._write(path)
        for path in self.random.sample(sorted(self.expected), 5):
            path.unlink()
            del self.expected[path]
        for _ in range(5):
            self._write(self.folder / f"new-{self.random.randrange(10**9)}.jsonl")

    def _write(self, path: Path) -> None:
        names = []
        for _ in range(self.random.randrange(1, 6)):
            self._numbers += 1
            names.append(f"n-{self._numbers}")
        path.write_bytes(b"".join(capture_line([0.9, 0.1], eventMetadata__inferenceId=name) for name in names))
        self.expected[path] = names


def kill_once(store: Path, files: Files, longest: float) -> bool:
    """Begin to read, and kill that at a random moment; whether it was still at it."""
    command = [sys.executable, "-c", READ, str(store), str(files.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(files.random.uniform(0, longest))  # the moment is what is random here
        process.send_signal(signal.SIGKILL)
        return process.stdout.read() == b""


def check_agreement(store: CaptureStore) -> None:
    """Whatever is there is there whole: files, records and counts say the same, and no file is there twice."""
    with store.reading() as cursor:
        files = cursor.execute("SELECT key, file_id, records FROM files").fetchall()
        records = dict(cursor.execute("SELECT file_id, count(*) FROM records GROUP BY file_id").fetchall())
        counted = cursor.execute("SELECT hours, sum(n) FROM histogram GROUP BY hours").fetchall()
    assert {file_id: count for _, file_id, count in files if count} == records
    assert max(Counter(key for key, _, _ in files).values(), default=1) == 1
    assert {total for _, total in counted} <= {sum(records.values())}


def run(folder: Path, kills: int, seed: int) -> None:
    files, path = Files(folder / "captured", seed), folder / "cache" / "captures.duckdb"
    store, interrupted = CaptureStore(path), 0
    while interrupted < kills:
        interrupted += kill_once(path, files, longest=1.5)
        check_agreement(store)
        files.change()
    place = FolderPlace(files.folder)
    ingest(store, place, list_all(place))
    check_agreement(store)
    found = [name for (name,) in store.query("SELECT inference_id FROM records")]
    assert sorted(found) == sorted(name for names in files.expected.values() for name in names)


def test_a_few_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    run(tmp_path, 3, seed=1)


@pytest.mark.slow
def test_fifty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    run(tmp_path, 50, seed=2)
