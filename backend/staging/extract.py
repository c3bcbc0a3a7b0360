"""Where images come from: the university's archive, one on this machine, or a sample drawn by this project."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from backend.errors import InvalidArchive
from backend.progress import Progress
from backend.staging.apart import read_apart
from backend.staging.cifar import CifarBatch
from backend.staging.download import UNIVERSITY_URL, check_md5, download_archive
from backend.staging.drawing import DRAWN_LABELS
from backend.staging.labels import FINE_LABELS
from backend.staging.other_class import hold_out
from backend.staging.sample import draw_archive


@dataclass(frozen=True)
class UniversityDownload:
    """The archive at a URL: CIFAR-100's home at the University of Toronto, or a mirror of yours."""

    url: str = UNIVERSITY_URL
    labels: ClassVar[tuple[str, ...]] = FINE_LABELS
    synthetic: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"CIFAR-100, downloaded from {self.url}"


@dataclass(frozen=True)
class LocalArchive:
    """A CIFAR-100 archive on this machine, or uploaded to it; it may hold fewer classes than the original."""

    path: Path
    labels: ClassVar[tuple[str, ...]] = FINE_LABELS
    synthetic: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"CIFAR-100, from the archive {self.path.name}"


@dataclass(frozen=True)
class OfflineSample:
    """Images drawn by this project, for where there is no network: not CIFAR-100, in its layout."""

    train_per_class: int = 500
    test_per_class: int = 100
    labels: ClassVar[tuple[str, ...]] = DRAWN_LABELS
    synthetic: ClassVar[bool] = True

    def __str__(self) -> str:
        return "Offline sample: synthetic images drawn by this project, not CIFAR-100"


Source = UniversityDownload | LocalArchive | OfflineSample
"""`labels` are those it offers, `synthetic` says that its images are drawn, `str()` describes it to a person."""


def get_archive(source: Source, labels: Sequence[str], folder: Path, progress: Progress, others: float = 0.0) -> Path:
    """The file of a source; what is downloaded or drawn for it is kept in `folder` for the next time.

    A drawn sample has `others` images of all other classes together for each of one of `labels`; an archive has what it
    has. Raises SourceUnavailable when there is none to be had.
    """
    match source:
        case LocalArchive(path):
            return path
        case UniversityDownload(url):
            return download_archive(url, folder, progress)
        case OfflineSample():
            return draw_archive(folder, _sample_counts(source, labels, others), progress)


def read_source(source: Source, path: Path, progress: Progress, labels: Sequence[str] = ()) -> dict[str, CifarBatch]:
    """Read both splits of a source's file, of these labels' images alone where any are given.

    Raises SourceUnavailable when it cannot be opened, InvalidArchive when it is damaged or not CIFAR-100: what was
    downloaded or drawn is deleted then, so that it is not found again the next time.
    """
    try:
        if source == UniversityDownload():
            check_md5(path)
        return read_apart(path, progress, labels)
    except InvalidArchive:
        if not isinstance(source, LocalArchive):
            path.unlink(missing_ok=True)
        raise


def _sample_counts(source: OfflineSample, labels: Sequence[str], others: float) -> dict[str, dict[str, int]]:
    """How many images to draw of each label, by split."""
    rest = [label for label in source.labels if label not in labels] if others else []
    share = others / max(len(rest) - len(hold_out(rest)), 1)  # of those kept out whole none is in the class
    return {
        # One more: of few images the validation takes more than its share.
        split: dict.fromkeys(labels, count) | dict.fromkeys(rest, math.ceil(share * count) + 1)
        for split, count in (("train", source.train_per_class), ("test", source.test_per_class))
    }
