"""The CIFAR-100 archive: a tar with one pickle for each split, read in one pass and never extracted.

A stranger's is read by `apart`, in a process of its own.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging.labels import FINE_LABELS
from backend.staging.pickles import MAX_IMAGES, PickledArray, load_pickle, plain
from backend.staging.tar_members import ADVICE, CIFAR_LIMITS, BoundedStream, Limits, Member, files
from backend.staging.unpacking import CutOff, UnpackingError, unpacked

FOLDER = "cifar-100-python"
SPLITS = ("train", "test")
IMAGE_SIZE = 32  # pixels, in both directions
IMAGE_BYTES = 3 * IMAGE_SIZE**2
_LONGEST_NAME = 255  # bytes or characters: what file systems take
_MEMBERS = ("meta", *SPLITS)
_MAX_SPLIT_BYTES = MAX_IMAGES * (IMAGE_BYTES + _LONGEST_NAME)
_MAX_META_BYTES = 1 << 20  # the original has 1.5 kB
_READ_BYTES = 1 << 20

Watch = Callable[[int], None]
"""Told how many bytes of the archive's file were read, as they are."""


@dataclass(frozen=True)
class CifarBatch:
    """One split: `images` uint8 (n, 32, 32, 3) in RGB order, `fine_labels` int64 (n,), and n file names."""

    images: npt.NDArray[np.uint8]
    fine_labels: npt.NDArray[np.int64]
    filenames: tuple[str, ...]
    left_out: tuple[int, ...] = ()
    """Fine labels of which the archive has images too, in this split."""

    @property
    def present(self) -> set[int]:
        """The fine labels of which the archive has images in this split."""
        return {*np.unique(self.fine_labels).tolist(), *self.left_out}

    @classmethod
    def of(cls, rows: npt.NDArray[np.uint8], fine_labels: Sequence[int], filenames: Sequence[str]) -> CifarBatch:
        """From rows (n, 3072) as the archive has them: each image's red plane, the green and the blue, row by row."""
        planes = rows.reshape(-1, 3, IMAGE_SIZE, IMAGE_SIZE)
        return cls(planes.transpose(0, 2, 3, 1), np.asarray(fine_labels, dtype=np.int64), tuple(filenames))

    def of_labels(self, fine_labels: Sequence[int]) -> CifarBatch:
        """The images of these labels alone, in their order."""
        rows = np.flatnonzero(np.isin(self.fine_labels, fine_labels))
        filenames = tuple(self.filenames[row] for row in rows)
        left_out = tuple(sorted(self.present - set(fine_labels)))
        return CifarBatch(self.images[rows], self.fine_labels[rows], filenames, left_out)

    def read(self, row: int) -> npt.NDArray[np.uint8]:
        """The pixels of one image."""
        image: npt.NDArray[np.uint8] = self.images[row]
        return image

    @property
    def rows(self) -> npt.NDArray[np.uint8]:
        """What the batch was made of."""
        return self.images.transpose(0, 3, 1, 2).reshape(-1, IMAGE_BYTES)


def read_archive(path: Path) -> dict[str, CifarBatch]:
    """Read both splits, "train" and "test", of a CIFAR-100 archive, as read_splits does."""
    batches = dict(read_splits(path))  # in the order of the tar
    return {split: batches[split] for split in SPLITS}


def read_splits(path: Path, watch: Watch = lambda _: None) -> Iterator[tuple[str, CifarBatch]]:
    """Read the splits of a CIFAR-100 archive, each as it comes; none counts before the end.

    It may be packed by gzip, bzip2 or xz, cut down to some images, and in a folder of any name.

    Raises SourceUnavailable when the file cannot be opened, InvalidArchive when it is damaged or is not CIFAR-100.
    Source: the CIFAR-100 page of the University of Toronto ("Python version").
    """
    seen: set[str] = set()
    with archive_errors(path, ADVICE), open_unpacked(path, CIFAR_LIMITS, watch) as stream:
        for member in files(stream):
            name = PurePosixPath(member.name).name  # the folder may have another name
            if name not in _MEMBERS:
                continue
            if name in seen:
                raise InvalidArchive(f"{path.name} has more than one member {name}. {ADVICE}")
            seen.add(name)
            content = _load(member, name)
            if name == "meta":
                _check_label_names(content)
            else:
                yield name, _parse_batch(content, name)
        stream.drain()  # the checksum is at the very end
    missing = [name for name in _MEMBERS if name not in seen]
    if missing:
        raise InvalidArchive(f"{path.name} has no member {FOLDER}/{missing[0]}. {ADVICE}")


def _load(member: Member, name: str) -> Any:
    """The unpickled content of a member that matters."""
    most = _MAX_META_BYTES if name == "meta" else _MAX_SPLIT_BYTES
    if member.size > most:
        raise InvalidArchive(f"Member {name} has {member.size:,} bytes, and no more than {most:,} may be. {ADVICE}")
    return load_pickle(member, f"{FOLDER}/{name}")


class _WatchedFile(io.RawIOBase):
    """A file that tells how far it is read."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self._file = path.open("rb", buffering=0)
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        count = self._file.readinto(memoryview(buffer)[:_READ_BYTES])
        self._watch(count or 0)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def open_unpacked(path: Path, limits: Limits, watch: Watch = lambda _: None) -> Iterator[BoundedStream]:
    """The content of a tar's file, within limits."""
    with io.BufferedReader(_WatchedFile(path, watch), _READ_BYTES) as file, unpacked(file) as content:
        yield BoundedStream(content, limits)


@contextmanager
def archive_errors(path: Path, advice: str) -> Iterator[None]:
    """Say in words why a file is not an archive, or not a whole one."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceUnavailable(f"There is no file {path}. Check the path, or choose the offline sample.") from error
    except (EOFError, CutOff) as error:
        raise InvalidArchive(f"{path.name} ends too early: it was not copied whole. Get it again.") from error
    except (UnpackingError, tarfile.TarError) as error:
        raise InvalidArchive(f"{path.name} is no archive, or is damaged ({error}). {advice}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceUnavailable(f"{path} cannot be read ({reason}). Choose a readable file.") from error


def _check_label_names(meta: Any) -> None:
    names = _sequence(_field(meta, "fine_label_names", "meta"))
    if names is None or tuple(_text(name) for name in names) != FINE_LABELS:
        raise InvalidArchive(f"The label names in member meta are not those of CIFAR-100. {ADVICE}")


def _parse_batch(content: Any, split: str) -> CifarBatch:
    names, labels = _sequence(_field(content, "filenames", split)), _sequence(_field(content, "fine_labels", split))
    pixels = _pixels(_field(content, "data", split), split)
    if names is None or labels is None or not len(names) == len(labels) == len(pixels):
        raise InvalidArchive(f"The parts of member {split} disagree: an image needs one label and one name. {ADVICE}")
    if not all(isinstance(label, int) and 0 <= label < len(FINE_LABELS) for label in labels):
        raise InvalidArchive(f"Member {split} has a fine label that is no number from 0 to 99. {ADVICE}")
    filenames = [_text(name) for name in names]
    if None in filenames:
        raise InvalidArchive(f"Member {split} has a file name that is none. {ADVICE}")
    return CifarBatch.of(pixels, labels, [name for name in filenames if name is not None])


def _sequence(values: Any) -> list[Any] | None:
    """Values, one an image, as Python has them, from a list, a tuple or an array, of NumPy's values or Python's."""
    try:
        listed = values.as_list() if isinstance(values, PickledArray) else values
        return [plain(value) for value in listed] if isinstance(listed, list | tuple) else None
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None


def _pixels(data: Any, split: str) -> npt.NDArray[np.uint8]:
    """Rows of an image each: the red plane, the green and the blue, row by row."""
    try:
        pixels = data.as_uint8() if isinstance(data, PickledArray) else None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidArchive(f"The images in member {split} cannot be read ({error}). {ADVICE}") from error
    if pixels is None or pixels.ndim != 2 or pixels.shape[1] != IMAGE_BYTES:
        raise InvalidArchive(f"The images in member {split} are not rows of 3 x 32 x 32 bytes. {ADVICE}")
    return pixels


def _field(content: Any, name: str, member: str) -> Any:
    """A value of a member's dictionary, whose keys are bytes when Python 2 wrote it."""
    if isinstance(content, dict):
        for key in (name.encode(), name):
            if key in content:
                return content[key]
    raise InvalidArchive(f"Member {member} has no {name}. {ADVICE}")


def _text(name: Any) -> str | None:
    """A name as text; None for what is no name."""
    if not isinstance(name, bytes | str) or len(name) > _LONGEST_NAME:
        return None
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name
