"""Choosing, naming and encoding images."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from backend.errors import InvalidLabels
from backend.staging.cifar import CifarBatch
from backend.staging.transform import LabelledImage, check_labels, content_digest, select_images

BICYCLE, MOTORCYCLE, BUS = 8, 48, 13  # the places of these names in the archive's list


def cifar_batch(fine_labels: Sequence[int], filenames: Sequence[str] | None = None) -> CifarBatch:
    images = np.arange(len(fine_labels), dtype=np.uint8)[:, None, None, None] * np.ones((1, 32, 32, 3), dtype=np.uint8)
    names = filenames or [f"image_{row}.png" for row in range(len(fine_labels))]
    return CifarBatch(images, np.asarray(fine_labels, dtype=np.int64), tuple(names))


def test_only_images_of_the_chosen_rows_are_kept() -> None:
    batch = cifar_batch([BUS, MOTORCYCLE, 0, BICYCLE, MOTORCYCLE])
    images = select_images(batch, ("bicycle", "motorcycle"), [1, 3, 4])
    assert [image.name for image in images] == ["image_1.png", "image_3.png", "image_4.png"]


def test_an_image_of_another_class_is_other_and_its_name_says_of_which() -> None:
    batch = cifar_batch([BUS, BICYCLE, 0], ["a.png", "a.png", "b.png"])
    images = select_images(batch, ("bicycle", "other"), [0, 1, 2])
    assert [(image.name, image.label_index) for image in images] == [
        ("bus.a.png", 1),
        ("a-2.png", 0),
        ("apple.b.png", 1),
    ]


def test_the_class_index_is_the_place_among_the_chosen_labels() -> None:
    images = select_images(cifar_batch([BICYCLE, MOTORCYCLE, BUS]), ("motorcycle", "bus", "bicycle"), [0, 1, 2])
    assert [image.label_index for image in images] == [2, 0, 1]


def test_each_image_keeps_its_own_pixels() -> None:
    images = select_images(cifar_batch([0, BICYCLE, MOTORCYCLE]), ("bicycle", "motorcycle"), [1, 2])
    assert [image.pixels[31, 31].tolist() for image in images] == [[1, 1, 1], [2, 2, 2]]


@pytest.mark.parametrize(
    ("filenames", "names"),
    [
        (["a.png", "a.png", "a.png"], ["a.png", "a-2.png", "a-3.png"]),
        (["a.png", "a-2.png", "a.png"], ["a.png", "a-2.png", "a-3.png"]),
        (["a.png", "A.png", "b.png"], ["a.png", "A-2.png", "b.png"]),
        (["../../etc/passwd", "a\tb\n.png", "vélo.png"], ["passwd.png", "a_b_.png", "v_lo.png"]),
        (["", ".", "x.jpeg"], ["image.png", "image-2.png", "x.png"]),
    ],
)
def test_names_are_safe_and_unique(filenames: list[str], names: list[str]) -> None:
    images = select_images(cifar_batch([BICYCLE, MOTORCYCLE, BICYCLE], filenames), ("bicycle", "motorcycle"), [0, 1, 2])
    assert [image.name for image in images] == names


def test_a_png_holds_exactly_the_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(LabelledImage("a.png", 0, pixels).as_png())) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (("bicycle",), "at least two"),
        ((), "at least two"),
        (("bicycle", "bicycle"), "each once"),
        (("bicycle", "scooter"), "no label 'scooter'"),
    ],
)
def test_labels_that_make_no_classifier_are_refused(labels: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(InvalidLabels, match=complaint):
        check_labels(labels)


def digest_of(labels: Sequence[str], batch: CifarBatch) -> str:
    rows = [row for row, fine_label in enumerate(batch.fine_labels.tolist()) if fine_label]
    return content_digest(labels, {"train": select_images(batch, labels, rows)})


def test_the_same_content_has_the_same_digest() -> None:
    labels, batch = ("bicycle", "motorcycle"), cifar_batch([BICYCLE, MOTORCYCLE])
    assert digest_of(labels, batch) == digest_of(labels, cifar_batch([BICYCLE, MOTORCYCLE]))


@pytest.mark.parametrize(
    "other",
    [
        digest_of(("motorcycle", "bicycle"), cifar_batch([BICYCLE, MOTORCYCLE])),
        digest_of(("bicycle", "motorcycle"), cifar_batch([MOTORCYCLE, BICYCLE])),
        digest_of(("bicycle", "motorcycle"), cifar_batch([BICYCLE, MOTORCYCLE], ["a.png", "b.png"])),
        digest_of(("bicycle", "motorcycle"), cifar_batch([0, BICYCLE, MOTORCYCLE], ["", "image_0.png", "image_1.png"])),
    ],
    ids=["order of labels", "classes", "names", "pixels"],
)
def test_any_other_content_has_another_digest(other: str) -> None:
    assert digest_of(("bicycle", "motorcycle"), cifar_batch([BICYCLE, MOTORCYCLE])) != other
