"""Reading archives in a process of its own: what comes back, and how it ends."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import psutil
import pytest

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging import apart, reader
from backend.staging.apart import read_apart
from backend.staging.cifar import read_archive
from tests.backend.staging.archives import MakeArchive, batch
from tests.bombs.measure import measure


class Enough(Exception):
    """Raised by a progress call that cancels."""


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """A file that never sends a byte."""
    path = tmp_path / "silent.tar.gz"
    os.mkfifo(path)
    return path


def test_the_real_archive_is_the_same_from_another_process(real_archive: Path) -> None:
    apart_, here = read_apart(real_archive), read_archive(real_archive)
    for split in ("train", "test"):
        assert np.array_equal(apart_[split].images, here[split].images)
        assert np.array_equal(apart_[split].fine_labels, here[split].fine_labels)
        assert apart_[split].filenames == here[split].filenames


def test_of_some_labels_come_their_images_and_which_others_there_are(
    make_archive: MakeArchive, small_cifar: dict[str, bytes]
) -> None:
    labels = [8, 48, 3, 8, 3, 48, 99, 8]
    rows = np.arange(8 * 3072, dtype=np.uint32).astype(np.uint8).reshape(8, 3072)
    names = [f"{number}.png" for number in range(8)]
    small_cifar["cifar-100-python/train"] = pickle.dumps(
        batch(seed=1, filenames=names, fine_labels=labels, data=rows), protocol=4
    )
    read = read_apart(make_archive(small_cifar), labels=("bicycle", "motorcycle"))["train"]
    assert read.fine_labels.tolist() == [8, 48, 8, 48, 8]  # FINE_LABELS, in the archive's numbers
    assert read.filenames == ("0.png", "1.png", "3.png", "5.png", "7.png")
    assert np.array_equal(read.rows, rows[[0, 1, 3, 5, 7]])
    assert read.present == {3, 8, 48, 99}
    assert np.array_equal(read.read(3), read.images[3])


def test_names_of_any_characters_come_back(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> None:
    names = ["line\nbreak.png", "\ud800.png", "", "ä" * 255]
    small_cifar["cifar-100-python/train"] = pickle.dumps(batch(seed=1, filenames=names), protocol=4)
    assert list(read_apart(make_archive(small_cifar))["train"].filenames) == names


def test_a_split_without_images_comes_back(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> None:
    nothing = batch(seed=1, filenames=[], fine_labels=[], data=np.zeros((0, 3072), dtype=np.uint8))
    small_cifar["cifar-100-python/test"] = pickle.dumps(nothing, protocol=4)
    assert read_apart(make_archive(small_cifar))["test"].images.shape == (0, 32, 32, 3)


def test_it_says_how_far_it_is(real_archive: Path) -> None:
    fractions: list[float] = []
    read_apart(real_archive, lambda fraction, _: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert (fractions[-1], len(set(fractions)) > 3) == (1.0, True)


def test_a_cancelled_reading_ends_though_no_byte_comes(silent: Path) -> None:
    def cancel(_fraction: float, _message: str) -> None:
        raise Enough

    with pytest.raises(Enough):
        read_apart(silent, cancel)
    assert not readers()


def test_a_file_that_sends_nothing_is_given_up(silent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SILENCE_SECONDS", 0.1)
    with pytest.raises(InvalidArchive, match=r"silent.tar.gz could not be read in time"):
        read_apart(silent)
    assert not readers()


def test_a_reader_that_the_system_ends_is_no_fault_of_ours(silent: Path) -> None:
    def end_reader(_fraction: float, _message: str) -> None:
        for process in readers():
            process.kill()

    with pytest.raises(InvalidArchive, match="more time or memory than CIFAR-100"):
        read_apart(silent, end_reader)


def readers() -> list[psutil.Process]:
    """The readers that this process has started and that have not ended."""
    return [child for child in psutil.Process().children() if "backend.staging.reader" in child.cmdline()]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"no file .*nowhere.tar.gz"):
        read_apart(tmp_path / "nowhere.tar.gz")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say what a process has")
@pytest.mark.parametrize(("megabytes", "outcome"), [("200", "taken"), ("400", "MemoryError")])
def test_the_reader_gets_no_more_than_300_megabytes(megabytes: str, outcome: str) -> None:
    assert measure("tests.backend.staging.test_apart", "take", megabytes).answer == outcome


def take(megabytes: str) -> str:
    """What comes of taking so much memory under the reader's limit."""
    reader.limit_memory(reader.MEMORY_BYTES)
    try:
        bytearray(int(megabytes) << 20)
    except MemoryError:
        return "MemoryError"
    return "taken"
