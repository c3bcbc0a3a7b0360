"""Near-duplicates: the same pictures found again after what happens to pictures, and others not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from backend import staging
from backend.aws.environment import Environment
from backend.staging import duplicates
from backend.staging.cifar import read_archive
from backend.staging.drawing import draw
from backend.staging.duplicates import LIMIT, find_duplicates
from backend.staging.transform import LabelledImage

Pixels = npt.NDArray[np.uint8]


def named(pixels: dict[str, Pixels]) -> list[LabelledImage]:
    return [LabelledImage(name, 0, image) for name, image in pixels.items()]


DRAWN = {f"{label}-{number}.png": draw(label, "train", number) for label in ("bicycle", "bus") for number in range(30)}
PICTURE = DRAWN["bicycle-7.png"]


def pairs(train: dict[str, Pixels], test: dict[str, Pixels] | None = None) -> list[tuple[str, str, bool]]:
    found = find_duplicates({"train": named(train), "test": named(test or {})})
    return [(pair.first, pair.second, pair.is_exact) for pair in found.pairs]


def as_jpeg(image: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))


def brighter(image: Pixels) -> Pixels:
    return np.asarray(np.clip(image.astype(int) + 20, 0, 255), dtype=np.uint8)


def paler(image: Pixels) -> Pixels:
    return np.asarray(np.clip((image - 128.0) * 0.7 + 128, 0, 255), dtype=np.uint8)


def noisier(image: Pixels) -> Pixels:
    return np.clip(image + np.random.default_rng(0).normal(0, 8, image.shape), 0, 255).astype(np.uint8)


def test_drawn_pictures_are_not_taken_for_copies_of_each_other() -> None:
    assert pairs(DRAWN) == []


@pytest.mark.parametrize("change", [as_jpeg, brighter, paler, noisier])
def test_a_picture_is_found_again_in_another_split(change: Callable[[Pixels], Pixels]) -> None:
    assert pairs(DRAWN, {"again.png": change(PICTURE)}) == [("train/bicycle-7.png", "test/again.png", False)]


def test_the_same_pixels_are_named_apart() -> None:
    found = pairs(DRAWN | {"copy.png": PICTURE}, {"again.png": PICTURE.copy()})
    assert found == [
        ("train/bicycle-7.png", "train/copy.png", True),
        ("train/bicycle-7.png", "test/again.png", True),
    ]


@pytest.mark.parametrize("every", [True, False])
def test_a_copy_with_other_pixels_is_no_exact_one(every: bool) -> None:
    changed = PICTURE + np.uint8(5) if every else PICTURE.copy()
    changed[0, 0, 0] ^= 8
    assert PICTURE.max() < 251
    assert pairs({"a.png": PICTURE, "b.png": changed}) == [("train/a.png", "train/b.png", False)]


def test_what_the_method_says_it_misses_it_misses() -> None:
    assert pairs({"a.png": PICTURE, "mirrored.png": PICTURE[:, ::-1]}) == []


def test_pictures_of_nothing_and_of_one_color_are_no_copies() -> None:
    flat = {f"flat-{level}.png": np.full((32, 32, 3), level, dtype=np.uint8) for level in (3, 90, 200)}
    blank = {"blank.000001.png": PICTURE, "blank.000002.png": PICTURE}
    assert pairs(flat | blank) == []


def test_each_pair_has_the_distance_that_a_slow_calculation_gives() -> None:
    def thumbnail(image: Pixels, size: int, *, gray: bool) -> npt.NDArray[np.float64]:
        values = image.astype(float)
        if gray:
            values = (values * [0.299, 0.587, 0.114]).sum(axis=2, keepdims=True)
        step = 32 // size
        shrunk = [
            values[row : row + step, column : column + step].mean(axis=(0, 1))
            for row in range(0, 32, step)
            for column in range(0, 32, step)
        ]
        flat = np.concatenate(shrunk) - np.mean(shrunk)
        return np.asarray(flat / np.linalg.norm(flat))

    def apart(first: Pixels, second: Pixels) -> float:
        return max(
            float(np.linalg.norm(thumbnail(first, size, gray=gray) - thumbnail(second, size, gray=gray)))
            for size, gray in ((8, False), (16, True))
        )

    few = dict(list(DRAWN.items())[20:40])
    images = few | {f"shifted-{name}": np.roll(image, 1, axis=1) for name, image in few.items()}
    expected = {
        (first, second): apart(images[first], images[second])
        for place, first in enumerate(images)
        for second in list(images)[place + 1 :]
    }
    within = {names: distance for names, distance in expected.items() if distance <= LIMIT}
    found = find_duplicates({"train": named(images)})
    assert {(pair.first[6:], pair.second[6:]): pair.distance for pair in found.pairs} == pytest.approx(within, abs=1e-3)
    assert 0 < len(within) < len(images)
    assert [pair.distance for pair in found.pairs] == sorted(pair.distance for pair in found.pairs)


def test_of_one_picture_over_and_over_the_pairs_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_FOUND", 50)
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 20)
    rng = np.random.default_rng(0)
    alike = {f"{n}.png": np.clip(PICTURE + rng.integers(-2, 3, PICTURE.shape), 0, 255) for n in range(40)}
    found = find_duplicates({"train": named({name: image.astype(np.uint8) for name, image in alike.items()})})
    assert (found.found, len(found.pairs), found.is_cut) == (50, 20, True)


@pytest.mark.parametrize("count", [0, 1])
def test_of_one_image_or_none_there_is_nothing_to_find(count: int) -> None:
    found = find_duplicates({"train": named(dict(list(DRAWN.items())[:count]))})
    assert (found.images, found.found, found.pairs) == (count, 0, ())


def test_more_images_than_a_tile_holds_are_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_TILE", 7)
    monkeypatch.setattr(duplicates, "_CHUNK", 5)
    assert pairs(DRAWN, {"again.png": brighter(PICTURE)}) == [("train/bicycle-7.png", "test/again.png", False)]


def test_pairs_are_told_by_their_splits() -> None:
    train, validation = {"a.png": PICTURE, "b.png": brighter(PICTURE)}, {"c.png": DRAWN["bus-3.png"]}
    test = {"d.png": paler(PICTURE), "e.png": DRAWN["bus-3.png"]}
    found = find_duplicates({"train": named(train), "validation": named(validation), "test": named(test)})
    by_splits = {splits: len(of_both) for splits, of_both in found.by_splits().items()}
    assert by_splits == {("train", "train"): 1, ("train", "test"): 2, ("validation", "test"): 1}
    assert (found.twins("test", "train"), found.twins("test", "validation"), found.twins("validation", "train")) == (
        1,
        1,
        0,
    )
    assert len(found.of_image("test/d.png")) == 2


def test_photographs_saved_again_as_jpeg_are_all_found(real_archive: Path, real_others: Path) -> None:
    """The same bicycles and motorcycles are in both archives, in one of them with the traces of JPEG."""
    plain, jpeg = read_archive(real_archive)["test"], read_archive(real_others)["test"]
    assert not np.array_equal(plain.images[:1], jpeg.images[:1])
    first = [LabelledImage(name, 0, image) for name, image in zip(plain.filenames, plain.images, strict=True)]
    second = [LabelledImage(name, 0, image) for name, image in zip(jpeg.filenames, jpeg.images, strict=True)]
    found = find_duplicates({"train": first, "test": second}).by_splits()[("train", "test")]
    again = {pair.second.partition("/")[2] for pair in found if pair.first[6:] == pair.second[5:]}
    assert again == set(plain.filenames)


def test_what_was_found_is_kept_with_the_dataset(bucket: Environment) -> None:
    dataset = staging.stage_dataset(bucket, staging.OfflineSample(6, 2), other=None)
    found = staging.read_duplicates(bucket, dataset)
    assert found is not None
    assert (found.images, found.found) == (16, 0)
    bucket.s3.put_object(Bucket=bucket.bucket, Key=dataset.duplicates_key, Body=b"{")
    assert staging.read_duplicates(bucket, dataset) is None
