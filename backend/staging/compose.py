"""From an archive's batches to the images of a dataset: its splits, and the class `other`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.staging.dataset import FOREIGN, TEST, TRAIN, VALIDATION, OtherClass
from backend.staging.labels import OTHER
from backend.staging.load import Images
from backend.staging.material import Material
from backend.staging.other_class import OtherImages, OtherOptions, draw_foreign, draw_other, hold_out, make_description
from backend.staging.splits import Batches, Rows, other_classes, split_known
from backend.staging.transform import LabelledImage, select_images

_BATCHES = {TRAIN: "train", VALIDATION: "train", TEST: "test"}
"""The batch of the archive that a split is taken from."""


@dataclass(frozen=True)
class Composition:
    """What is staged: the labels, the images by split, and what the class `other` is made of, where there is one."""

    labels: tuple[str, ...]
    images: Images
    other: OtherClass | None = None


def compose(
    batches: Batches, labels: Sequence[str], options: OtherOptions | None, material: Material | None
) -> Composition:
    """The images of these labels and, with options, of `other`, in the order of the archive.

    Where the archive has no other classes and no material is given, there is none. The same arguments give the same.
    Raises InvalidArchive when the archive has too few images of one of the labels.
    """
    known = split_known(batches, labels)
    others = other_classes(batches, labels)
    if options is None or (not others and material is None):
        return Composition(tuple(labels), _images(batches, labels, known, {}))
    held_out = hold_out(others)
    drawn_from = tuple(label for label in others if label not in held_out)
    with_other = (*labels, OTHER)
    drawn = draw_other(batches, list(known.values()), drawn_from, options, material, with_other.index(OTHER))
    images = _images(batches, with_other, known, drawn)
    if held_out:
        images[FOREIGN] = select_images(batches["test"], with_other, sorted(draw_foreign(batches, held_out)))
    return Composition(with_other, images, make_description(drawn_from, held_out, options, material, drawn))


def _images(
    batches: Batches, labels: Sequence[str], known: dict[str, Rows], drawn: dict[str, OtherImages]
) -> dict[str, list[LabelledImage]]:
    """The images by split."""
    images: dict[str, list[LabelledImage]] = {}
    for split, batch in _BATCHES.items():
        other = drawn.get(split, OtherImages([], []))
        rows = [row for of_class in known.values() for row in of_class[split].tolist()]
        images[split] = [*select_images(batches[batch], labels, sorted([*rows, *other.rows])), *other.added]
    return images
