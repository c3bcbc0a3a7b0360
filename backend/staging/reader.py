"""Reads a stranger's archive within limits of memory and time.

`python -m backend.staging.reader <archive> <folder> <fine label>...`: each split goes into the folder as `<split>.npy`,
rows of an image each, and `<split>.json`, its labels and names; where fine labels are given, only their images do.
Standard output has one JSON object a line: `{"read": <bytes of the file>}` as they are read, and what went wrong as
`{"error": <class in backend.errors>, "message": <sentence>}`.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging.cifar import CifarBatch, read_splits
from backend.staging.tar_members import ADVICE

MEMORY_BYTES = 300 << 20  # above what this process has when it begins; the original takes 160 MB
CPU_SECONDS = 60  # the original takes 3


def main(archive: Path, folder: Path, fine_labels: Sequence[int]) -> int:
    """Returns the exit code: 0 when both splits are in the folder, 1 when the last line says what went wrong."""

    def read() -> None:
        for split, batch in read_splits(archive, lambda count: say(read=count)):
            _write(batch.of_labels(fine_labels) if fine_labels else batch, split, folder)

    too_much = f"{archive.name} takes more memory than any CIFAR archive. {ADVICE}"
    return run_within(MEMORY_BYTES, CPU_SECONDS, read, too_much)


def run_within(memory_bytes: int, cpu_seconds: int, read: Callable[[], None], too_much: str) -> int:
    """Read within limits; returns the exit code, having said what went wrong: `too_much` for more memory."""
    limit_memory(memory_bytes)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    try:
        read()
    except (InvalidArchive, SourceUnavailable) as error:
        return _fail(error)
    except MemoryError:
        return _fail(InvalidArchive(too_much))
    return 0


def limit_memory(memory_bytes: int) -> None:
    """Give this process no more than this from here on.

    Where the system does not say what a process has (macOS), the budgets of the reading itself have to do.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _write(batch: CifarBatch, split: str, folder: Path) -> None:
    labelled = {
        "fine_labels": batch.fine_labels.tolist(),
        "filenames": batch.filenames,
        "left_out": batch.left_out,
    }
    try:
        np.save(folder / f"{split}.npy", batch.rows, allow_pickle=False)
        (folder / f"{split}.json").write_text(json.dumps(labelled), encoding="ascii")
    except OSError as error:
        reason = f"The images cannot be unpacked into {folder} ({error.strerror or error}). Free 250 MB."
        raise SourceUnavailable(reason) from error


def _fail(error: Exception) -> int:
    say(error=type(error).__name__, message=str(error))
    return 1


def say(**content: object) -> None:
    """Tell who started this process, in a line of its own."""
    print(json.dumps(content), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), [int(label) for label in sys.argv[3:]]))
