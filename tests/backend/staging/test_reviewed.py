"""Pictures that people labelled, in a dataset: among the train images and nowhere else, and never a test image."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from backend import staging
from backend.staging.reviewed import GONE, NO_CLASS, TESTED, TWICE, ReviewedPicture, add_reviewed
from backend.staging.transform import LabelledImage

LABELS = ("bicycle", "motorcycle", "other")


def pixels(number: int, size: tuple[int, int] = (32, 32)) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)


def encoded(content: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(content).save(buffer, form)
    return buffer.getvalue()


def staged() -> dict[str, Sequence[LabelledImage]]:
    """One image in each split."""
    splits = ("train", "validation", "test", "foreign")
    return {split: [LabelledImage(f"{split}.png", 0, pixels(number))] for number, split in enumerate(splits)}


def picture(
    number: int, label: str = "bicycle", key: str | None = "uploads/a.png", form: str = "PNG"
) -> ReviewedPicture:
    return ReviewedPicture(f"record-{number}", label, encoded(pixels(number), form), key)


def test_they_are_added_to_train_alone_with_their_pixels() -> None:
    images, described = add_reviewed(LABELS, staged(), [picture(10, "motorcycle"), picture(11, "other")])
    assert {split: len(of_split) for split, of_split in images.items()} == {
        "train": 3,
        "validation": 1,
        "test": 1,
        "foreign": 1,
    }
    _, first, second = images["train"]
    assert (first.name, first.label_index, second.label_index) == ("reviewed.record-10.png", 1, 2)
    assert np.array_equal(first.pixels, pixels(10))
    assert described == staging.dataset.ReviewedImages({"motorcycle": 1, "other": 1})


@pytest.mark.parametrize("split", [0, 1, 2, 3])
def test_what_is_in_any_split_is_left_out(split: int) -> None:
    images, described = add_reviewed(LABELS, staged(), [picture(split)])
    assert len(images["train"]) == 1
    assert described is not None
    assert described.left_out == {TWICE: 1}


@pytest.mark.parametrize(
    "key", ["datasets/20260101-a/test/one.png", "datasets/x/foreign/two.png", "traffic/1/images/traffic-1.png"]
)
def test_what_was_sent_from_a_test_split_is_left_out(key: str) -> None:
    images, described = add_reviewed(LABELS, staged(), [picture(10, key=key)])
    assert len(images["train"]) == 1
    assert described is not None
    assert described.left_out == {TESTED: 1}


def test_what_was_sent_from_anywhere_else_is_not() -> None:
    keys = ["datasets/x/train/test.png", "uploads/test/one.png", None]
    images, _ = add_reviewed(LABELS, staged(), [picture(10 + n, key=key) for n, key in enumerate(keys)])
    assert len(images["train"]) == 4


def test_what_cannot_be_learned_is_counted_by_why() -> None:
    pictures = [
        picture(10, "bus"),
        ReviewedPicture("gone", "bicycle", None),
        ReviewedPicture("broken", "bicycle", b"\x89PNG"),
        picture(11),
        picture(11, "motorcycle"),
        picture(12, form="JPEG"),
    ]
    images, described = add_reviewed(LABELS, staged(), pictures)
    assert len(images["train"]) == 3
    assert described is not None
    assert described.left_out == {NO_CLASS: 1, GONE: 2, TWICE: 1}
    assert (described.counts, described.jpegs) == ({"bicycle": 2}, 1)


def test_a_larger_picture_is_scaled_around_its_middle() -> None:
    large = np.zeros((64, 128, 3), np.uint8)
    large[:, 32:96] = (10, 200, 30)
    images, _ = add_reviewed(LABELS, staged(), [ReviewedPicture("large", "bicycle", encoded(large))])
    added = images["train"][-1].pixels
    assert added.shape == (32, 32, 3)
    assert np.array_equal(added[16, 16], [10, 200, 30])


def test_without_any_the_dataset_says_nothing_of_them() -> None:
    images, described = add_reviewed(LABELS, staged(), [])
    assert (images.keys(), described) == (staged().keys(), None)
