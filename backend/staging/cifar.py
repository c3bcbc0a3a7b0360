"""The CIFAR-100 archive: a tar with one pickle for each split, read in one pass and never extracted."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging.labels import FINE_LABELS
from backend.staging.pickles import PickledArray, load_pickle

FOLDER = "cifar-100-python"
SPLITS = ("train", "test")
IMAGE_SIZE = 32  # pixels, in both directions
_MEMBERS = {PurePosixPath(FOLDER, name): name for name in ("meta", *SPLITS)}
_MAX_BYTES = 256 << 20  # unpacked; the original has 187 MB
_MAX_MEMBERS = 1000  # the original has five
_ADVICE = 'Choose CIFAR-100\'s "Python version" (cifar-100-python.tar.gz), unchanged.'


@dataclass(frozen=True)
class CifarBatch:
    """One split: `images` uint8 (n, 32, 32, 3) in RGB order, `fine_labels` int64 (n,), and n file names."""

    images: npt.NDArray[np.uint8]
    fine_labels: npt.NDArray[np.int64]
    filenames: tuple[str, ...]


def read_archive(path: Path) -> dict[str, CifarBatch]:
    """Read both splits, "train" and "test", of a CIFAR-100 archive, packed by gzip or not.

    Raises SourceUnavailable when the file cannot be opened, InvalidArchive when it is damaged or is not CIFAR-100.
    Source: the CIFAR-100 page of the University of Toronto ("Python version").
    """
    members = _load_members(path)
    missing = [str(member) for member, name in _MEMBERS.items() if name not in members]
    if missing:
        raise InvalidArchive(f"{path.name} has no member {missing[0]}. {_ADVICE}")
    _check_label_names(members["meta"])
    return {split: _parse_batch(members[split], split) for split in SPLITS}


def _load_members(path: Path) -> dict[str, Any]:
    """The unpickled content of the members that matter, by name."""
    members: dict[str, Any] = {}
    with _archive_errors(path), _open_unpacked(path) as file:
        stream = _BoundedReader(file)
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for count, member in enumerate(archive):
                if count >= _MAX_MEMBERS:
                    raise InvalidArchive(f"{path.name} has more than {_MAX_MEMBERS} members. {_ADVICE}")
                name = _MEMBERS.get(PurePosixPath(member.name))
                content = archive.extractfile(member) if name and member.isreg() else None
                if name and content:
                    members[name] = load_pickle(content, member.name)
        stream.drain()  # gzip's checksum is at the very end
    return members


class _BoundedReader:
    """Hands a file on until it has given more than a CIFAR archive can hold."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file
        self._left = _MAX_BYTES

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InvalidArchive(f"The archive unpacks to more than {_MAX_BYTES >> 20} MB. {_ADVICE}")
        return data

    def drain(self) -> None:
        while self.read(1 << 20):
            pass


def _open_unpacked(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")


@contextmanager
def _archive_errors(path: Path) -> Iterator[None]:
    """Say in words why a file is not an archive, or not a whole one."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceUnavailable(f"There is no file {path}. Check the path, or choose the offline sample.") from error
    except EOFError as error:
        raise InvalidArchive(f"{path.name} ends too early: it was not copied whole. Get it again.") from error
    except (zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise InvalidArchive(f"{path.name} is no archive, or is damaged ({error}). {_ADVICE}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceUnavailable(f"{path} cannot be read ({reason}). Choose a readable file.") from error


def _check_label_names(meta: Any) -> None:
    names = _field(meta, "fine_label_names", "meta")
    if not isinstance(names, list) or tuple(_text(name) for name in names) != FINE_LABELS:
        raise InvalidArchive(f"The label names in member meta are not those of CIFAR-100. {_ADVICE}")


def _parse_batch(content: Any, split: str) -> CifarBatch:
    filenames, labels = _field(content, "filenames", split), _field(content, "fine_labels", split)
    pixels = _pixels(_field(content, "data", split), split)
    if not (isinstance(filenames, list) and isinstance(labels, list) and len(filenames) == len(labels) == len(pixels)):
        raise InvalidArchive(f"The parts of member {split} disagree: an image needs one label and one name. {_ADVICE}")
    if not all(isinstance(label, int) and 0 <= label < len(FINE_LABELS) for label in labels):
        raise InvalidArchive(f"Member {split} has a fine label that is no number from 0 to 99. {_ADVICE}")
    planes = pixels.reshape(-1, 3, IMAGE_SIZE, IMAGE_SIZE)
    return CifarBatch(
        images=planes.transpose(0, 2, 3, 1),
        fine_labels=np.asarray(labels, dtype=np.int64),
        filenames=tuple(_text(name) for name in filenames),
    )


def _pixels(data: Any, split: str) -> npt.NDArray[np.uint8]:
    """Rows of an image each: the red plane, the green and the blue, row by row."""
    try:
        pixels = data.as_uint8() if isinstance(data, PickledArray) else None
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidArchive(f"The images in member {split} cannot be read ({error}). {_ADVICE}") from error
    if pixels is None or pixels.ndim != 2 or pixels.shape[1] != 3 * IMAGE_SIZE**2:
        raise InvalidArchive(f"The images in member {split} are not rows of 3 x 32 x 32 bytes. {_ADVICE}")
    return pixels


def _field(content: Any, name: str, member: str) -> Any:
    """A value of a member's dictionary, whose keys are bytes when Python 2 wrote it."""
    if isinstance(content, dict):
        for key in (name.encode(), name):
            if key in content:
                return content[key]
    raise InvalidArchive(f"Member {member} has no {name}. {_ADVICE}")


def _text(name: Any) -> str:
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else str(name)
