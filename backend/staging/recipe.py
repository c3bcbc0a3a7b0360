"""What a dataset is made of, as a digest: of the same comes the same dataset, and nothing needs to be read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from backend.staging.other_class import OtherOptions
from backend.staging.reviewed import ReviewedPicture, reviewed_digests

_MOST_FILES = 100_000  # of material; the reader refuses more
_PART_BYTES = 16 << 20
_READ_BYTES = 1 << 20
_PARTS_AT_ONCE = 4


def recipe_of(
    archive: Path, labels: Sequence[str], other: OtherOptions | None, reviewed: Sequence[ReviewedPicture] = ()
) -> str | None:
    """A digest of the archive's bytes, the labels in their order, how `other` is made, and the code that chooses.

    The pictures that people labelled are part of it too.

    None when a file cannot be read: whoever reads it for its content says why.
    """
    try:
        parts = [_file_digest(archive), list(labels), _other(other), reviewed_digests(reviewed), _code_digest()]
    except OSError:
        return None
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _other(other: OtherOptions | None) -> list[object] | None:
    if other is None:
        return None
    return [other.images, other.blank_share, _material(other.material) if other.material else None]


def _material(path: Path) -> object:
    """A tar by its bytes; a folder, as `aws s3 sync` takes it, by the names, sizes and times of its files."""
    if path.is_file():
        return [path.name, _file_digest(path)]
    found: list[tuple[str, int, int]] = []
    for parent, _folders, names in os.walk(path, onerror=_refuse):
        for name in names:
            state = Path(parent, name).stat()
            found.append((os.path.join(parent, name), state.st_size, state.st_mtime_ns))  # noqa: PTH118  of many files
        if len(found) > _MOST_FILES:
            raise OSError(f"{path} has too many files")
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise error


def _file_digest(path: Path) -> str:
    """Of the digests of the file's parts, of which several are made at once."""
    parts = range(0, max(path.stat().st_size, 1), _PART_BYTES)
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
        return hashlib.sha256(b"".join(pool.map(partial(_part_digest, path), parts))).hexdigest()


def _part_digest(path: Path, begin: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(begin)
        for _ in range(0, _PART_BYTES, _READ_BYTES):
            digest.update(file.read(_READ_BYTES))
    return digest.digest()


@cache
def _code_digest() -> str:
    """Of this package, which chooses and draws the images: another version may make another dataset of the same."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()
