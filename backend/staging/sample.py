"""The offline sample: drawn images packed as CIFAR-100 packs its photographs, read by the same reader."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import SourceUnavailable
from backend.private import make_private_folder
from backend.progress import Progress, part_of
from backend.staging.cifar import FOLDER, IMAGE_SIZE
from backend.staging.drawing import VERSION, draw
from backend.staging.labels import COARSE_LABELS, FINE_LABELS, GROUP_OF

_PICKLE_PROTOCOL = 4


Counts = Mapping[str, Mapping[str, int]]
"""How many images of each label, by split."""


def draw_archive(folder: Path, counts: Counts, progress: Progress) -> Path:
    """Draw a sample with `counts[split][label]` images, unless it is there from an earlier time.

    The images depend on nothing but label, split and number: everybody gets the same ones.
    Raises SourceUnavailable when the folder cannot be written.
    """
    counts = {split: dict(sorted(of_split.items())) for split, of_split in counts.items()}
    wanted = f"{VERSION} {counts}"
    path = folder / f"offline-sample-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}.tar.gz"
    if not path.exists():
        content = _archive(counts, progress)
        part = path.with_name(f"{path.name}.part")
        try:
            make_private_folder(folder)
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            raise SourceUnavailable(f"The sample cannot be written to {folder} ({error.strerror}).") from error
    return path


def _archive(counts: Counts, progress: Progress) -> bytes:
    """A CIFAR-100 archive, packed; the same bytes each time."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        _add(
            archive,
            "meta",
            {b"fine_label_names": _encoded(FINE_LABELS), b"coarse_label_names": _encoded(COARSE_LABELS)},
        )
        done, total = 0, sum(sum(of_split.values()) for of_split in counts.values())
        for split, of_split in counts.items():
            begin, done = done, done + sum(of_split.values())
            _add(archive, split, _batch(split, of_split, part_of(progress, begin / total, done / total)))
    return packed.getvalue()


def _batch(split: str, counts: Mapping[str, int], progress: Progress) -> dict[bytes, Any]:
    """A split as CIFAR-100 has it, with so many images of each label."""
    rows = [(label, number) for label, count in counts.items() for number in range(count)]
    data = np.empty((len(rows), 3 * IMAGE_SIZE**2), dtype=np.uint8)
    for row, (label, number) in enumerate(rows):
        progress(row / len(rows), f"Drawing {label} {number + 1:,} of {counts[label]:,} for the {split} split.")
        data[row] = draw(label, split, number).transpose(2, 0, 1).reshape(-1)
    return {
        b"filenames": [f"{label}_drawn_{number:06}.png".encode() for label, number in rows],
        b"batch_label": f"{split}ing batch 1 of 1".encode(),
        b"fine_labels": [FINE_LABELS.index(label) for label, _ in rows],
        b"coarse_labels": [COARSE_LABELS.index(GROUP_OF[label]) for label, _ in rows],
        b"data": data,
    }


def _add(archive: tarfile.TarFile, name: str, content: dict[bytes, Any]) -> None:
    pickled = pickle.dumps(content, protocol=_PICKLE_PROTOCOL)
    member = tarfile.TarInfo(f"{FOLDER}/{name}")
    member.size = len(pickled)
    archive.addfile(member, io.BytesIO(pickled))


def _encoded(names: Sequence[str]) -> list[bytes]:
    return [name.encode() for name in names]
