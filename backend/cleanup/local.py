"""What the project keeps on this machine, beside the embedded AWS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from backend.cleanup.resource import Kind, Resource, describe_content
from backend.environment import Environment
from backend.errors import CleanupIncomplete


def _find_cache(environment: Environment) -> Iterator[Resource]:
    return _find_folder("local cache", environment.cache_dir)


def _find_downloads(environment: Environment) -> Iterator[Resource]:
    return _find_folder("downloaded archives", environment.settings.state_dir / "downloads")


def _find_folder(kind: str, folder: Path) -> Iterator[Resource]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if sizes:
        yield Resource(kind, str(folder), describe_content(sizes, "file"))


def _delete_cache(environment: Environment, _resource: Resource) -> None:
    _delete_folder(environment.cache_dir)


def _delete_downloads(environment: Environment, _resource: Resource) -> None:
    _delete_folder(environment.settings.state_dir / "downloads")


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
