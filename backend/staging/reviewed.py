"""Pictures that people labelled, of what an endpoint was really asked: further images to train on, never to test on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.aws.names import DATASETS_PREFIX, TRAFFIC_PREFIX
from backend.errors import InvalidImage
from backend.staging.dataset import FOREIGN, TEST, TRAIN, ReviewedImages
from backend.staging.material_reader import make_picture
from backend.staging.record import digest_of
from backend.staging.transform import LabelledImage, unique_names

NO_CLASS = "of no class of this dataset"
GONE = "no longer in the capture files, or no picture"
TESTED = "sent from a test split, or drawn from one"
TWICE = "in the dataset already"


@dataclass(frozen=True)
class ReviewedPicture:
    """A captured picture as it was sent, PNG or JPEG, and what people say that it is.

    `content` is None where it cannot be read any more. `image_key` is where the caller had it from, where that is
    known.
    """

    name: str
    label: str
    content: bytes | None
    image_key: str | None = None


Reviewed = Callable[[], Sequence[ReviewedPicture]]
"""Reads the pictures when the staging begins."""


def add_reviewed(
    labels: Sequence[str], images: Mapping[str, Sequence[LabelledImage]], pictures: Sequence[ReviewedPicture]
) -> tuple[dict[str, Sequence[LabelledImage]], ReviewedImages | None]:
    """The images with what can be learned of these pictures in the split "train", and what became of them.

    A picture keeps its pixels; a larger one is scaled as an endpoint scales it. What is in any split already, or comes
    from the test images of any dataset, is left out: a model would be tested on what it learned.
    """
    if not pictures:
        return dict(images), None
    seen = {digest_of(image.pixels.tobytes()) for of_split in images.values() for image in of_split}
    left_out, added = Counter[str](), list[LabelledImage]()
    jpegs = 0
    for picture, name in zip(pictures, unique_names(f"{one.name}.png" for one in pictures), strict=True):
        found = _judge(picture, labels, name, seen)
        if isinstance(found, str):
            left_out[found] += 1
            continue
        jpegs += _is_jpeg(picture)
        seen.add(digest_of(found.pixels.tobytes()))
        added.append(found)
    counts = Counter(labels[image.label_index] for image in added)
    described = ReviewedImages(dict(counts), jpegs, dict(left_out))
    return {**images, TRAIN: [*images[TRAIN], *added]}, described


def reviewed_digests(pictures: Sequence[ReviewedPicture]) -> list[list[str | None]]:
    """What tells these pictures from others."""
    return [[one.name, one.label, one.image_key, digest_of(one.content or b"")] for one in pictures]


def _judge(picture: ReviewedPicture, labels: Sequence[str], name: str, seen: set[str]) -> LabelledImage | str:
    """The image to train on, or why it is none."""
    if picture.label not in labels:
        return NO_CLASS
    if _is_of_a_test(picture.image_key):
        return TESTED
    if picture.content is None:
        return GONE
    try:
        pixels = make_picture(picture.name, picture.content).pixels
    except InvalidImage:
        return GONE
    if digest_of(pixels.tobytes()) in seen:
        return TWICE
    return LabelledImage(f"reviewed.{name}", labels.index(picture.label), pixels)


def _is_of_a_test(key: str | None) -> bool:
    """Traffic is drawn from test images, and changed."""
    if key is None:
        return False
    split = key.removeprefix(DATASETS_PREFIX).split("/")[1:2] if key.startswith(DATASETS_PREFIX) else []
    return key.startswith(TRAFFIC_PREFIX) or split in ([TEST], [FOREIGN])


def _is_jpeg(picture: ReviewedPicture) -> bool:
    return bool(picture.content and picture.content.startswith(b"\xff\xd8"))
