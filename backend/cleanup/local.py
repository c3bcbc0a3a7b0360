"""What the project keeps on this machine, beside the embedded AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backend import monitoring
from backend.aws.environment import Environment
from backend.cleanup.resource import Found, Kind, describe_content
from backend.errors import CleanupIncomplete
from backend.progress import Progress


def _find_cache(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment.cache_dir)


def _find_downloads(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment.downloads_dir)


def _find_folder(folder: Path) -> Iterator[Found]:
    sizes = list[int]()
    for path in _files(folder):
        with suppress(FileNotFoundError):  # it went meanwhile
            sizes.append(path.stat().st_size)
    if sizes:
        yield Found(str(folder), describe_content(sizes, "file"))


def _delete_cache(environment: Environment, _name: str, _progress: Progress) -> None:
    monitoring.delete_cache(environment)  # pages have it open
    _delete_files(environment.cache_dir)


def _delete_downloads(environment: Environment, _name: str, _progress: Progress) -> None:
    _delete_files(environment.downloads_dir)


def _delete_files(folder: Path) -> None:
    """Delete all files below a folder. It stays itself, empty: pages and other processes are about to write there."""
    for path in _files(folder):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CleanupIncomplete(f"File {path} cannot be deleted: {error.strerror}.") from error


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


KINDS = (
    Kind("local cache", _find_cache, _delete_cache),
    Kind("downloaded archives", _find_downloads, _delete_downloads),
)
