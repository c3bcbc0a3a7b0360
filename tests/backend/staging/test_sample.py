"""The offline sample: drawn images in CIFAR-100's layout."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import SourceUnavailable
from backend.progress import no_progress
from backend.staging import OfflineSample
from backend.staging.cifar import read_archive
from backend.staging.drawing import DRAWN_LABELS, draw
from backend.staging.labels import COARSE_LABELS
from backend.staging.sample import draw_archive

LABELS = ("bicycle", "motorcycle")
SMALL = {"train": dict.fromkeys(LABELS, 6), "test": dict.fromkeys(LABELS, 3)}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return draw_archive(tmp_path, SMALL, no_progress)


def unpickled(archive: Path, member: str) -> dict[bytes, Any]:
    """A member as everybody reads CIFAR-100."""
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"cifar-100-python/{member}")
        assert file is not None
        content: dict[bytes, Any] = pickle.loads(file.read(), encoding="bytes")  # noqa: S301
    return content


def test_the_sample_has_the_layout_of_the_real_archive(sample: Path, real_archive: Path) -> None:
    for member in ("meta", "train", "test"):
        real, drawn = unpickled(real_archive, member), unpickled(sample, member)
        assert {key: type(value) for key, value in drawn.items()} == {key: type(value) for key, value in real.items()}


def test_coarse_labels_are_those_of_the_real_archive(real_archive: Path) -> None:
    meta = unpickled(real_archive, "meta")
    assert [name.decode() for name in meta[b"coarse_label_names"]] == list(COARSE_LABELS)


def test_a_tractor_is_of_the_second_kind_of_vehicle(tmp_path: Path) -> None:
    drawn = unpickled(draw_archive(tmp_path, {"train": {}, "test": {"bus": 3, "tractor": 3}}, no_progress), "test")
    assert drawn[b"coarse_labels"] == [18, 18, 18, 19, 19, 19]  # as in CIFAR-100's table of superclasses


def test_the_reader_gives_back_what_was_drawn(sample: Path) -> None:
    test = read_archive(sample)["test"]
    assert test.fine_labels.tolist() == [8, 8, 8, 48, 48, 48]
    assert np.array_equal(test.images[4], draw("motorcycle", "test", 1))


def test_everybody_gets_the_same_sample(sample: Path, tmp_path: Path) -> None:
    another_order = {split: dict(reversed(counts.items())) for split, counts in SMALL.items()}
    again = draw_archive(tmp_path / "elsewhere", another_order, no_progress)
    assert again.read_bytes() == sample.read_bytes()


def test_a_sample_is_drawn_once(sample: Path, tmp_path: Path) -> None:
    drawn_at = sample.stat().st_mtime_ns
    assert draw_archive(tmp_path, SMALL, no_progress) == sample
    assert sample.stat().st_mtime_ns == drawn_at


def test_a_larger_sample_is_another_file(sample: Path, tmp_path: Path) -> None:
    assert draw_archive(tmp_path, SMALL | {"train": dict.fromkeys(LABELS, 7)}, no_progress) != sample


def test_a_cancelled_sample_leaves_nothing(tmp_path: Path) -> None:
    def cancel(_fraction: float, _message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_archive(tmp_path, SMALL, cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceUnavailable, match=r"cannot be written to .*file"):
        draw_archive(tmp_path / "file" / "downloads", SMALL, no_progress)


@pytest.mark.parametrize("label", DRAWN_LABELS)
def test_no_two_pictures_are_the_same(label: str) -> None:
    pictures = [draw(label, split, number) for split in ("train", "test") for number in range(20)]
    assert {picture.shape for picture in pictures} == {(32, 32, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 40


def test_the_sample_offers_what_it_draws_and_says_that_it_is_synthetic() -> None:
    source = OfflineSample()
    assert source.labels == DRAWN_LABELS
    assert source.synthetic
    assert "synthetic images drawn by this project, not CIFAR-100" in str(source)


@pytest.mark.slow
def test_the_sample_is_neither_trivial_nor_hopeless(tmp_path: Path) -> None:
    """The nearest training image tells the class more often than chance does, and far from always."""
    counts = {"train": dict.fromkeys(LABELS, 500), "test": dict.fromkeys(LABELS, 100)}
    batches = read_archive(draw_archive(tmp_path, counts, no_progress))
    train, test = (batches[split].images.reshape(-1, 3072).astype(np.float32) for split in ("train", "test"))
    distances = (train**2).sum(1) - 2 * test @ train.T  # squared, without each test image's own constant
    predicted = batches["train"].fine_labels[distances.argmin(1)]
    assert 0.55 < (predicted == batches["test"].fine_labels).mean() < 0.9
