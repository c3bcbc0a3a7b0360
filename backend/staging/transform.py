"""From a CIFAR batch to images that can be staged: named and numbered."""

from __future__ import annotations

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.errors import InvalidLabels
from backend.staging.cifar import CifarBatch
from backend.staging.labels import FINE_LABELS, OTHER

Pixels = npt.NDArray[np.uint8]
"""Of shape (32, 32, 3), in RGB order."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image to stage: `name` is unique in its split, `content` its pixels or what reads them each time."""

    name: str
    label_index: int
    content: Pixels | Callable[[], Pixels]

    @property
    def pixels(self) -> Pixels:
        return self.content() if callable(self.content) else self.content

    def as_png(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG")
        return buffer.getvalue()


def check_labels(labels: Sequence[str], offered: Sequence[str] = FINE_LABELS) -> None:
    """Raise InvalidLabels unless these are at least two different labels of those offered."""
    unknown = [label for label in labels if label not in offered]
    if unknown:
        raise InvalidLabels(f"This source has no label {unknown[0]!r}. It offers {', '.join(offered)}.")
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise InvalidLabels("A classifier needs at least two different labels. Choose two or more, each once.")


def select_images(batch: CifarBatch, labels: Sequence[str], rows: Sequence[int]) -> list[LabelledImage]:
    """The images of these rows; a label's class index is its place in `labels`, which end in OTHER for all others.

    The name of an image of class `other` begins with the class that it is of in the archive, and a dot.
    """
    fine_labels = [FINE_LABELS[fine] for fine in batch.fine_labels[rows].tolist()]
    names = unique_names(batch.filenames[row] for row in rows)
    return [
        LabelledImage(name, labels.index(label), partial(batch.read, row))
        if label in labels
        else LabelledImage(f"{label}.{name}", labels.index(OTHER), partial(batch.read, row))
        for name, label, row in zip(names, fine_labels, rows, strict=True)
    ]


def content_digest(labels: Sequence[str], images: Mapping[str, Sequence[LabelledImage]]) -> str:
    """What tells two datasets apart, as 12 hexadecimal digits: labels, names, classes and pixels, in order."""
    digest = hashlib.sha256("\n".join(labels).encode())
    for split, split_images in images.items():
        for image in split_images:
            digest.update(f"\n{split}\t{image.name}\t{image.label_index}\n".encode())
            digest.update(image.pixels.tobytes())
    return digest.hexdigest()[:12]


def unique_names(filenames: Iterable[str]) -> Iterator[str]:
    """PNG names that are safe in S3 keys, manifests and folders, with one dot; a name seen before gets a number."""
    taken: set[str] = set()  # two names that differ only in case are one file on some disks
    next_number: defaultdict[str, int] = defaultdict(lambda: 2)  # a stem's lower numbers are all taken
    for filename in filenames:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "_", PurePosixPath(filename).stem)[:100] or "image"
        name = f"{stem}.png"
        while name.lower() in taken:
            name = f"{stem}-{next_number[stem.lower()]}.png"
            next_number[stem.lower()] += 1
        taken.add(name.lower())
        yield name
