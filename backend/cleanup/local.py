"""What the project keeps on this machine, beside the embedded AWS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if sizes:
        yield Found(str(folder), describe_content(sizes, "file"))


def _delete_cache(environment: Environment, _name: str, _progress: Progress) -> None:
    monitoring.delete_cache(environment)  # pages have it open
    _delete_folder(environment.cache_dir)


def _delete_downloads(environment: Environment, _name: str, _progress: Progress) -> None:
    _delete_folder(environment.downloads_dir)


def _delete_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CleanupIncomplete(f"Folder {folder} cannot be deleted: {error.strerror}.") from error


KINDS = (
    Kind("local cache", _find_cache, _delete_cache),
    Kind("downloaded archives", _find_downloads, _delete_downloads),
)
