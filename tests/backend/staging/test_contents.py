"""What a source holds, told before it is staged."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import staging
from backend.errors import InvalidArchive, InvalidImage, SourceUnavailable
from tests.backend.staging.archives import MakeArchive, batch


def test_an_archive_is_counted_by_class_and_split(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], tmp_path: Path
) -> None:
    contents = staging.look_inside(staging.LocalArchive(make_archive(small_cifar)), tmp_path)
    assert contents is not None
    two = {"bicycle": 2, "motorcycle": 2}
    assert contents.counts == {"train": two, "test": two}
    assert contents.classes == ("bicycle", "motorcycle")
    assert (contents.total("train"), contents.total("test")) == (4, 4)
    rows = batch(seed=1)[b"data"]  # what the archive was made of; the second bicycle is its third row
    with Image.open(io.BytesIO(contents.images["bicycle"][1])) as picture:
        assert np.array_equal(np.asarray(picture), rows[2].reshape(3, 32, 32).transpose(1, 2, 0))


def test_an_uploaded_archive_is_looked_into_as_well(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], tmp_path: Path
) -> None:
    path = make_archive(small_cifar)
    upload = staging.Upload("mine.tar.gz", io.BytesIO(path.read_bytes()))
    contents = staging.look_inside(upload, tmp_path)
    assert contents == staging.look_inside(staging.LocalArchive(path), tmp_path)


def test_the_original_is_known_before_it_is_downloaded(tmp_path: Path) -> None:
    """Source: the CIFAR-100 page: 100 classes with 600 images each, 500 of them for training and 100 for testing."""
    contents = staging.look_inside(staging.UniversityDownload(), tmp_path)
    assert contents is not None
    assert (contents.total("train"), contents.total("test"), len(contents.classes)) == (50_000, 10_000, 100)
    assert contents.images == {}


def test_of_another_address_nothing_is_known_before(tmp_path: Path) -> None:
    assert staging.look_inside(staging.UniversityDownload("https://mirror.example/cifar.tar.gz"), tmp_path) is None


def test_the_sample_shows_what_it_would_draw(tmp_path: Path) -> None:
    contents = staging.look_inside(staging.OfflineSample(3, 1), tmp_path)
    assert contents is not None
    assert contents.classes == staging.OfflineSample.labels or set(contents.classes) == set(
        staging.OfflineSample.labels
    )
    assert {len(images) for images in contents.images.values()} == {3}
    assert contents.counts["test"] == dict.fromkeys(staging.OfflineSample.labels, 1)


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="There is no file"):
        staging.look_inside(staging.LocalArchive(tmp_path / "gone.tar.gz"), tmp_path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InvalidArchive, match="is no archive"):
        staging.look_inside(staging.LocalArchive(tmp_path / "text"), tmp_path)


def test_pixels_are_told_in_levels_of_each_channel() -> None:
    pixels = np.zeros((2, 4, 3), dtype=np.uint8)
    pixels[:, :2, 0] = 200
    pixels[..., 1] = 7
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    found = staging.pixel_statistics(buffer.getvalue())
    assert (found.width, found.height, found.stored_bytes) == (4, 2, len(buffer.getvalue()))
    assert (found.mean, found.std) == ((100.0, 7.0, 0.0), (100.0, 0.0, 0.0))
    assert (found.lowest, found.highest) == ((0, 7, 0), (200, 7, 0))


def test_what_is_no_image_has_no_pixels() -> None:
    with pytest.raises(InvalidImage):
        staging.pixel_statistics(b"text")
