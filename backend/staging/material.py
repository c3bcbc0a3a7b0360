"""Images that a person gives for the class `other`: a folder or tar of PNG and JPEG files, read apart from the app."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive, SourceUnavailable
from backend.progress import Progress, no_progress
from backend.staging.apart import follow_reader
from backend.staging.transform import unique_names


@dataclass(frozen=True)
class Material:
    """Images of anything, scaled and cropped to uint8 (n, 32, 32, 3); `jpegs` says which were stored as JPEG.

    `names` are unique and begin with "material."; `left_out` counts the files that are not among them: no PNG or JPEG,
    damaged, too large, or more than are taken.
    """

    source: str
    pixels: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    jpegs: tuple[bool, ...]
    left_out: int


def read_material(path: Path, progress: Progress = no_progress) -> Material:
    """Read a folder or a tar, packed by gzip, bzip2, xz or not.

    When `progress` raises, the reading ends. Raises SourceUnavailable when it cannot be opened, InvalidArchive when it
    is damaged, has no image that can be used, or takes more time or memory than images do.
    """
    if not path.exists():
        raise SourceUnavailable(f"There is no folder or file {path}. Check the path of the material.")
    with tempfile.TemporaryDirectory(prefix="scones-material-") as name:
        folder = Path(name)
        if follow_reader("backend.staging.material_reader", path, folder, "Reading the material.", progress) != 0:
            raise InvalidArchive(f"{path.name} takes more time or memory than images do. Give fewer or smaller ones.")
        read = json.loads((folder / "material.json").read_bytes())
        pixels = np.load(folder / "material.npy", allow_pickle=False)
    names = tuple(f"material.{name}" for name in unique_names(read["names"]))
    return Material(path.name, pixels, names, tuple(read["jpegs"]), read["left_out"])
