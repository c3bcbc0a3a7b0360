"""The class `other`: what it is made of, so that a network can answer that an image is none of the known classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.staging.blanks import draw_blank
from backend.staging.dataset import TEST, TRAIN, VALIDATION, OtherClass
from backend.staging.material import Material
from backend.staging.splits import Batches, Rows, draw_evenly, shuffled, split_class
from backend.staging.transform import LabelledImage

OTHER_IMAGES = 1.5
"""Images of `other` for each image of one known class."""
BLANK_SHARE = 0.15
"""Of the images of `other`: blank frames, noise and the like."""
MATERIAL_SHARE = 0.5
"""Of the images of `other` that are not blank, at most, where there are classes to draw the rest from."""
FOREIGN_IMAGES = 500
"""In the split "foreign", at most: the share that passes is known within 4 points."""
_HELD_OUT = 5  # of so many other classes, one is kept out whole


@dataclass(frozen=True)
class OtherOptions:
    """How the class `other` is made.

    `images` are in images of one known class, `blank_share` is from 0 to 1, `material` a folder or tar of PNG or JPEG
    images to take some of them from.
    """

    images: float = OTHER_IMAGES
    blank_share: float = BLANK_SHARE
    material: Path | None = None

    def count(self, known: Sequence[Rows], split: str) -> int:
        """The images of `other` in a split of known classes of this size."""
        return round(self.images * sum(len(rows[split]) for rows in known) / len(known))


@dataclass(frozen=True)
class OtherImages:
    """What a split has of class `other`: rows of the archive's batch, and images that are not in the archive."""

    rows: list[int]
    added: list[LabelledImage]


def hold_out(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes to keep out whole: a fifth, rounded down, the same ones of the same classes."""
    order = shuffled(np.arange(len(classes)), "held out").tolist()
    return tuple(sorted(classes[place] for place in order[: len(classes) // _HELD_OUT]))


def draw_other(
    batches: Batches,
    known: Sequence[Rows],
    classes: Sequence[str],
    options: OtherOptions,
    material: Material | None,
    label_index: int,
) -> dict[str, OtherImages]:
    """What each split but "foreign" has of class `other`, drawn evenly from these classes of the archive.

    `known` are the rows of the known classes, whose splits its own are in proportion to.
    """
    pools = {label: split_class(batches, label) for label in classes}
    counts = {split: options.count(known, split) for split in (TRAIN, VALIDATION, TEST)}
    given = _deal_material(material, counts, MATERIAL_SHARE if classes else 1.0, options, label_index)
    drawn: dict[str, OtherImages] = {}
    for split, count in counts.items():
        blanks = [_blank(split, number, label_index) for number in range(_blank_count(options, count))]
        rows = _draw_rows(pools, split, count - len(blanks) - len(given[split]))
        drawn[split] = OtherImages(rows, [*given[split], *blanks])
    return drawn


def draw_foreign(batches: Batches, held_out: Sequence[str]) -> list[int]:
    """Rows of the batch "test", drawn evenly from the classes kept out."""
    return _draw_rows({label: split_class(batches, label) for label in held_out}, TEST, FOREIGN_IMAGES)


def make_description(
    classes: tuple[str, ...],
    held_out: tuple[str, ...],
    options: OtherOptions,
    material: Material | None,
    drawn: Mapping[str, OtherImages],
) -> OtherClass:
    """What the dataset says of its class `other`."""
    if material is None:
        return OtherClass(classes, held_out, options.blank_share)
    used = {image.name for of_split in drawn.values() for image in of_split.added} & set(material.names)
    jpegs = sum(is_jpeg for name, is_jpeg in zip(material.names, material.jpegs, strict=True) if name in used)
    return OtherClass(classes, held_out, options.blank_share, material.source, len(used), jpegs, material.left_out)


def _deal_material(
    material: Material | None, counts: Mapping[str, int], share: float, options: OtherOptions, label_index: int
) -> dict[str, list[LabelledImage]]:
    """The material's images by split, none of them in two."""
    dealt: dict[str, list[LabelledImage]] = {split: [] for split in counts}
    if material is None:
        return dealt
    order = shuffled(np.arange(len(material.names)), "material").tolist()
    begin, total = 0, sum(counts.values())
    for split, count in counts.items():
        most = int(share * (count - _blank_count(options, count)))
        end = begin + min(most, len(order) * count // total)
        dealt[split] = [
            LabelledImage(material.names[place], label_index, material.pixels[place]) for place in order[begin:end]
        ]
        begin = end
    return dealt


def _draw_rows(pools: Mapping[str, Rows], split: str, count: int) -> list[int]:
    drawn = draw_evenly({label: len(rows[split]) for label, rows in pools.items()}, count)
    return [row for label, number in drawn.items() for row in pools[label][split][:number].tolist()]


def _blank_count(options: OtherOptions, count: int) -> int:
    return round(options.blank_share * count)


def _blank(split: str, number: int, label_index: int) -> LabelledImage:
    return LabelledImage(f"blank.{number:06}.png", label_index, draw_blank(split, number))
