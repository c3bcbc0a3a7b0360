"""Reading archives apart from the app: what a stranger's does, it does to a process of its own, which can be ended."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive, SconesError, SourceUnavailable
from backend.progress import Progress, no_progress
from backend.staging.cifar import IMAGE_BYTES, IMAGE_SIZE, SPLITS, CifarBatch
from backend.staging.labels import FINE_LABELS
from backend.staging.tar_members import ADVICE

_SILENCE_SECONDS = 60.0  # without a byte read
_POLL_SECONDS = 0.2  # how soon a cancel is noticed
_ERRORS: dict[str, type[SconesError]] = {error.__name__: error for error in (InvalidArchive, SourceUnavailable)}


def read_apart(path: Path, progress: Progress = no_progress, labels: Sequence[str] = ()) -> dict[str, CifarBatch]:
    """Read both splits, "train" and "test", of a CIFAR-100 archive, packed by gzip or not; the images are mapped files.

    Where labels are given, the splits are of their images alone, which costs less of the disk. When `progress`
    raises, the reading ends. Raises SourceUnavailable when the file cannot be opened, InvalidArchive when it is
    damaged, is not CIFAR-100, or takes more time or memory than that.
    """
    with tempfile.TemporaryDirectory(prefix="scones-archive-") as name:
        folder = Path(name)
        fine_labels = [str(FINE_LABELS.index(label)) for label in labels]
        if follow_reader("backend.staging.reader", path, folder, "Reading the archive.", progress, fine_labels) != 0:
            raise InvalidArchive(f"{path.name} takes more time or memory than CIFAR-100, or is damaged. {ADVICE}")
        return {split: _batch(folder, split) for split in SPLITS}


def follow_reader(
    module: str, path: Path, folder: Path, sentence: str, progress: Progress, options: Sequence[str] = ()
) -> int:
    """Run a module of ours that reads this path into the folder, until it ends; returns its exit code.

    Raises what the module says went wrong, and InvalidArchive when it says nothing for a minute.
    """
    with _reader([module, str(path.absolute()), str(folder), *options]) as process:
        _follow(process, path, sentence, progress)
        return process.wait()


@contextmanager
def _reader(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that reads, ended when the block is left."""
    command = [sys.executable, "-m", *arguments]
    # NumPy's threads reserve memory by the processor, which would count against the reader's limit.
    variables = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
        command, cwd=Path(__file__).parents[2], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _follow(process: subprocess.Popen[bytes], path: Path, sentence: str, progress: Progress) -> None:
    """Report how far the reader is until it ends; raises what it says went wrong."""
    size = max(path.stat().st_size, 1) if path.exists() else 1
    done = 0.0
    for content in _lines(process, path):
        if "error" in content:
            raise _ERRORS[content["error"]](content["message"])
        done = content.get("fraction", done + content.get("read", 0) / size)
        progress(min(done, 1.0), sentence)


def _lines(process: subprocess.Popen[bytes], path: Path) -> Iterator[dict[str, Any]]:
    """What the reader says, and an empty object whenever it has said nothing for a while."""
    assert process.stdout is not None  # noqa: S101  as it was started
    said, rest = time.monotonic(), b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(_POLL_SECONDS):
                if time.monotonic() - said > _SILENCE_SECONDS:
                    raise InvalidArchive(f"{path.name} could not be read in time. Copy it to a faster disk.")
                yield {}
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                return
            said = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(json.loads, lines)


@dataclass(frozen=True)
class _BatchOfFile(CifarBatch):
    """A batch whose file may go while it is mapped. An image is read from it each time: none stays in memory."""

    descriptor: int = -1
    offset: int = 0

    def read(self, row: int) -> npt.NDArray[np.uint8]:
        content = os.pread(self.descriptor, IMAGE_BYTES, self.offset + row * IMAGE_BYTES)
        return np.frombuffer(content, np.uint8).reshape(3, IMAGE_SIZE, IMAGE_SIZE).transpose(1, 2, 0)


def _batch(folder: Path, split: str) -> CifarBatch:
    labelled = json.loads((folder / f"{split}.json").read_bytes())
    path = folder / f"{split}.npy"
    rows: np.memmap[Any, np.dtype[np.uint8]] = np.load(path, mmap_mode="r", allow_pickle=False)
    plain = CifarBatch.of(rows, labelled["fine_labels"], labelled["filenames"])
    left_out = tuple(labelled["left_out"])
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    batch = _BatchOfFile(plain.images, plain.fine_labels, plain.filenames, left_out, descriptor, rows.offset)
    weakref.finalize(batch, os.close, descriptor)
    return batch
