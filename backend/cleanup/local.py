"""What the project keeps on this machine, beside the embedded AWS."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backend import monitoring
from backend.aws.environment import Environment
from backend.cleanup.resource import Found, Kind, describe_content
from backend.errors import CleanupIncomplete
from backend.progress import Progress

_TRIES = 20
"""How often a folder is deleted in which others go on writing."""
_OTHERS_WRITE = {errno.ENOTEMPTY, errno.ENOENT}


def _find_cache(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment.cache_dir)


def _find_downloads(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment.downloads_dir)


def _find_folder(folder: Path) -> Iterator[Found]:
    sizes = list(_file_sizes(folder))
    if sizes:
        yield Found(str(folder), describe_content(sizes, "file"))


def _file_sizes(folder: Path) -> Iterator[int]:
    """In bytes, of all files below it; what goes meanwhile is left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield (Path(parent) / name).stat().st_size


def _delete_cache(environment: Environment, _name: str, _progress: Progress) -> None:
    monitoring.delete_cache(environment)  # pages have it open
    _delete_folder(environment.cache_dir)


def _delete_downloads(environment: Environment, _name: str, _progress: Progress) -> None:
    _delete_folder(environment.downloads_dir)


def _delete_folder(folder: Path) -> None:
    """Delete it with all in it, while pages and other processes may write there."""
    for tries_left in reversed(range(_TRIES)):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if not folder.exists():
                return
            if not (tries_left and error.errno in _OTHERS_WRITE):
                raise CleanupIncomplete(f"Folder {folder} cannot be deleted: {error.strerror}.") from error
        else:
            return


KINDS = (
    Kind("local cache", _find_cache, _delete_cache),
    Kind("downloaded archives", _find_downloads, _delete_downloads),
)
