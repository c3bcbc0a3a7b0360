"""What a source holds, told before any of it is staged."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.progress import no_progress
from backend.staging.apart import read_apart
from backend.staging.cifar import CifarBatch
from backend.staging.download import UNIVERSITY_URL, find_download
from backend.staging.drawing import draw
from backend.staging.extract import OfflineSample, Source, UniversityDownload
from backend.staging.labels import FINE_LABELS
from backend.staging.upload import Upload, keep_upload

SHOWN = 8
"""Images of each class that are kept to be looked at."""
_SPLITS = ("train", "test")
_OF_THE_ORIGINAL = {"train": 500, "test": 100}  # of each class, as the CIFAR-100 page says


@dataclass(frozen=True)
class Contents:
    """How many images of each class a source has by split, and of some classes the first train images, as PNG."""

    counts: dict[str, dict[str, int]]
    images: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that can be staged: of which there are images in both splits."""
        in_both = set.intersection(*(set(of_split) for of_split in self.counts.values()))
        return tuple(label for label in FINE_LABELS if label in in_both)

    def total(self, split: str) -> int:
        return sum(self.counts[split].values())


def look_inside(source: Source | Upload, folder: Path) -> Contents | None:
    """What a source holds; None for an address from which nothing was downloaded yet and nobody knows.

    `folder` is where downloads are kept. An archive is read whole, which takes some seconds for the original.
    Raises SourceUnavailable and InvalidArchive for an archive.
    """
    match source:
        case OfflineSample():
            return _of_sample(source)
        case UniversityDownload(url):
            path = find_download(url, folder)
            if path is not None:
                return _of_archive(path)
            counts = {split: dict.fromkeys(FINE_LABELS, count) for split, count in _OF_THE_ORIGINAL.items()}
            return Contents(counts) if url == UNIVERSITY_URL else None
        case Upload():
            with tempfile.TemporaryDirectory(prefix="scones-upload-") as name:
                return _of_archive(keep_upload(source, Path(name) / "archive"))
    return _of_archive(source.path)


def _of_sample(source: OfflineSample) -> Contents:
    counts = {"train": source.train_per_class, "test": source.test_per_class}
    shown = range(min(SHOWN, source.train_per_class))
    return Contents(
        {split: dict.fromkeys(source.labels, count) for split, count in counts.items()},
        {label: [_as_png(draw(label, "train", number)) for number in shown] for label in source.labels},
    )


def _of_archive(path: Path) -> Contents:
    batches = read_apart(path, no_progress)
    train = batches["train"]
    firsts = {label: np.flatnonzero(train.fine_labels == fine)[:SHOWN] for fine, label in enumerate(FINE_LABELS)}
    return Contents(
        {split: _counts(batches[split]) for split in _SPLITS},
        {label: [_as_png(train.images[row]) for row in rows] for label, rows in firsts.items() if len(rows)},
    )


def _counts(batch: CifarBatch) -> dict[str, int]:
    return {FINE_LABELS[fine]: count for fine, count in sorted(Counter(batch.fine_labels.tolist()).items())}


def _as_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
