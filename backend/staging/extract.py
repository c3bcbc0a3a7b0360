"""Where images come from: the university's archive, one on this machine, or a sample drawn by this project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from backend.errors import InvalidArchive
from backend.progress import Progress, part_of
from backend.staging.apart import read_apart
from backend.staging.cifar import CifarBatch
from backend.staging.download import UNIVERSITY_URL, check_md5, download_archive
from backend.staging.drawing import DRAWN_LABELS
from backend.staging.labels import FINE_LABELS
from backend.staging.sample import draw_archive

_GETTING_SHARE = 0.9  # of the progress; the rest is reading


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


def extract(source: Source, labels: Sequence[str], folder: Path, progress: Progress) -> dict[str, CifarBatch]:
    """Read both splits of a source; what it downloads or draws is kept in `folder` for the next time.

    Raises SourceUnavailable when there is no archive to be had, InvalidArchive when it is damaged or not CIFAR-100.
    """
    getting = part_of(progress, 0.0, _GETTING_SHARE)
    match source:
        case LocalArchive(path):
            return read_apart(path, progress)
        case UniversityDownload(url):
            path = download_archive(url, folder, getting)
        case OfflineSample(train_per_class, test_per_class):
            path = draw_archive(folder, labels, {"train": train_per_class, "test": test_per_class}, getting)
    try:
        if source == UniversityDownload():
            check_md5(path)
        return read_apart(path, part_of(progress, _GETTING_SHARE, 1.0))
    except InvalidArchive:
        path.unlink()  # a damaged one must not be found again the next time
        raise
