"""Reads a stranger's pictures within limits: `python -m backend.staging.material_reader <folder or tar> <folder>`.

They go into the folder as `material.npy`, uint8 (n, 32, 32, 3), and `material.json`: their names, which were JPEG, and
how many files were left out. Standard output is as the archive reader's, with `{"fraction": <done>}` on the way.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from backend.errors import InvalidArchive, InvalidImage, SourceUnavailable
from backend.staging.cifar import IMAGE_SIZE, archive_errors, open_unpacked
from backend.staging.reader import run_within, say
from backend.staging.splits import shuffled
from backend.staging.tar_members import Limits, Member, files
from backend.staging.upright import open_upright

MAX_IMAGES = 1000
"""Decoded, whichever a seeded draw among all files gives."""
MAX_FILE_BYTES = 32 << 20
_MAX_FILES = 100_000
_ADVICE = "Give a folder, or a tar that is packed by gzip, bzip2, xz or not at all, of some hundred PNG or JPEG files."
_LIMITS = Limits(1 << 30, _MAX_FILES, _ADVICE)
_MEMORY_BYTES = 600 << 20  # an image of 25 million pixels takes 200 MB
_CPU_SECONDS = 300  # for 1,000 photographs of 12 million pixels about 60
_DECODED_PIXELS = 512  # of the longer side, before it is cropped
_JPEG = b"\xff\xd8"

Entry = tuple[str, Callable[[], bytes]]
"""A file: its name, and what reads it as long as the next is not asked for."""


class Picture(NamedTuple):
    """An image as it is staged: uint8 (32, 32, 3)."""

    name: str
    pixels: npt.NDArray[np.uint8]
    is_jpeg: bool


Pictures = tuple[list[Picture], int]
"""Images, and how many files were left out."""


def main(path: Path, folder: Path) -> int:
    """Returns the exit code: 0 when all is in the folder, 1 when the last line says what went wrong."""
    too_much = f"{path.name} takes more memory than images do. {_ADVICE}"
    return run_within(_MEMORY_BYTES, _CPU_SECONDS, lambda: _write(*read_pictures(path), folder), too_much)


def read_pictures(path: Path, watch: Callable[[float], None] = lambda done: say(fraction=done)) -> Pictures:
    """The images of a folder or tar, and how many of its files are not among them, in two passes.

    Raises SourceUnavailable when it cannot be opened, InvalidArchive when it is damaged or has no image to be used.
    """
    pictures: list[Picture] = []
    with archive_errors(path, _ADVICE):
        count = sum(1 for _ in _entries(path))
        chosen = set(shuffled(np.arange(count), "files")[:MAX_IMAGES].tolist())
        for place, (name, read) in enumerate(_entries(path)):
            if place in chosen:
                watch(place / count)
                picture = _try(name, read)
                pictures += [picture] if picture else []
    if not pictures:
        raise InvalidArchive(f"{path.name} has no PNG or JPEG image that can be used. {_ADVICE}")
    return pictures, count - len(pictures)


def make_picture(name: str, content: bytes) -> Picture:
    """An image as classified ones are decoded, its middle scaled to 32 x 32 pixels; raises InvalidImage."""
    image = open_upright(name, content, (_DECODED_PIXELS, _DECODED_PIXELS))
    square = ImageOps.fit(image, (IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    return Picture(name, np.asarray(square), content.startswith(_JPEG))


def _try(name: str, read: Callable[[], bytes]) -> Picture | None:
    """None for what cannot be used; the others are."""
    try:
        content = read()
        return make_picture(name, content) if len(content) <= MAX_FILE_BYTES else None
    except (InvalidImage, MemoryError):
        return None


def _entries(path: Path) -> Iterator[Entry]:
    """The files of a folder or tar, always in the same order; hidden ones are not meant."""
    entries = _files_of_folder(path) if path.is_dir() else _files_of_tar(path)
    return ((name, read) for name, read in entries if not name.rpartition("/")[2].startswith("."))


def _files_of_folder(folder: Path) -> Iterator[Entry]:
    found: list[Path] = []
    for parent, _folders, names in os.walk(folder, onerror=_refuse):
        found += (file for name in names if (file := Path(parent, name)).is_file())
        if len(found) > _MAX_FILES:
            raise InvalidArchive(f"{folder.name} has more than {_MAX_FILES:,} files. {_ADVICE}")
    for file in sorted(found):
        yield str(file.relative_to(folder)), lambda file=file: _read_file(file)  # type: ignore[misc]


def _files_of_tar(path: Path) -> Iterator[Entry]:
    with open_unpacked(path, _LIMITS) as stream:
        for member in files(stream):
            yield member.name, lambda member=member: _read_member(member)  # type: ignore[misc]


def _refuse(error: OSError) -> None:
    raise error


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidImage(f"{file.name} cannot be read.") from error


def _read_member(member: Member) -> bytes:
    """A member whole, or as much of it as shows that it is too large."""
    content = b""
    while len(content) <= MAX_FILE_BYTES and (piece := member.read(MAX_FILE_BYTES + 1)):
        content += piece
    return content


def _write(pictures: list[Picture], left_out: int, folder: Path) -> None:
    described = {
        "names": [picture.name for picture in pictures],
        "jpegs": [picture.is_jpeg for picture in pictures],
        "left_out": left_out,
    }
    try:
        np.save(folder / "material.npy", np.stack([picture.pixels for picture in pictures]), allow_pickle=False)
        (folder / "material.json").write_text(json.dumps(described), encoding="ascii")
    except OSError as error:
        raise SourceUnavailable(f"The images cannot be kept in {folder} ({error.strerror or error}).") from error


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
