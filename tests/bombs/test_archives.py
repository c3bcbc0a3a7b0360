"""Archives that a stranger hands in: each is refused at little cost, and the app goes on meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from backend.errors import InvalidArchive
from backend.staging.apart import read_apart
from backend.staging.cifar import CifarBatch
from backend.staging.transform import select_images
from tests.bombs.archives import BOMBS, HARMLESS
from tests.bombs.measure import measure

pytestmark = pytest.mark.system

OF_A_KIND = {
    *("a file name of shared lists", "deep lists", "deep tuples of one", "dictionaries", "marks", "nothings"),
    *("nothings remembered", "frames", "a string of zeros", "a line without an end"),
}
"""Like another one, which is tried in every run: these only in the slow ones."""
REFUSED = [
    pytest.param(name, marks=pytest.mark.slow if name in OF_A_KIND else ()) for name in sorted(set(BOMBS) - HARMLESS)
]


@pytest.fixture
def bomb(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(BOMBS[request.param]())
    return path


@pytest.mark.parametrize("bomb", REFUSED, indirect=True)
def test_a_bomb_is_refused_at_little_cost(bomb: Path) -> None:
    taken = measure("tests.bombs.archives", "outcome", bomb)
    assert taken.answer.startswith("InvalidArchive: "), taken
    assert len(taken.answer) < 500
    assert taken.is_little, taken


@pytest.mark.parametrize("bomb", sorted(HARMLESS), indirect=True)
def test_what_is_around_a_bomb_that_is_passed_over_is_read_at_little_cost(bomb: Path) -> None:
    taken = measure("tests.bombs.archives", "outcome", bomb)
    assert (taken.answer, taken.is_little) == ("{'train': 4, 'test': 4}", True), taken


def test_16_000_equal_file_names_are_numbered_at_little_cost() -> None:
    taken = measure("tests.bombs.test_archives", "number_equal_names", "16000")
    assert (taken.answer, taken.is_little) == ("a-15999.png", True), taken


def number_equal_names(count: str) -> str:
    names = ["A.png", *("a.png",) * (int(count) - 1)]
    rows = np.zeros((len(names), 3072), dtype=np.uint8)
    rows[0] = 1
    batch = CifarBatch.of(rows, [8, 48] * (len(names) // 2), names)
    return select_images(batch, ("bicycle", "motorcycle"), range(len(batch.filenames)))[-2].name


@pytest.mark.parametrize("bomb", ["label names of shared lists", "lists", "deep tuples"], indirect=True)
def test_other_threads_go_on_while_a_bomb_is_read(bomb: Path) -> None:
    taken = measure("tests.bombs.test_archives", "turns_of_another_thread", bomb)
    assert int(taken.answer) > 5
    assert taken.is_little, taken


def turns_of_another_thread(archive: str) -> str:
    """How often another thread had its turn while an archive was read and refused."""
    is_over = threading.Event()

    def read() -> None:
        try:
            read_apart(Path(archive))
        except InvalidArchive:
            is_over.set()

    threading.Thread(target=read, daemon=True).start()
    turns = 0
    while not is_over.wait(0.01):
        turns += 1
    return str(turns)
