"""Cleanup of the project's folders on this machine, while others write there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from backend.cleanup import local
from backend.cleanup.resource import Kind
from backend.errors import CleanupIncomplete
from backend.progress import no_progress
from tests.projects import of_project


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    """A project whose cache has one file, which no page has open."""
    opened = of_project(environment, "scones-clean-local", tmp_path)
    write(opened.cache_dir / "old" / "records.db")
    return opened


def kind(name: str) -> Kind:
    [found] = (kind for kind in local.KINDS if kind.name == name)
    return found


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"123")


def delete_cache(project: Environment) -> None:
    kind("local cache").delete(project, "", no_progress)


@pytest.mark.parametrize("files", [1, 3])
def test_a_folder_is_deleted_though_a_page_puts_files_into_it_meanwhile(
    project: Environment, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, remove = list[Path](), os.rmdir

    def too_late(path: Any, **options: Any) -> None:
        """Remove an empty folder, into which somebody has written the moment before."""
        if len(written) < files:
            written.append(project.cache_dir / "old" / f"new{len(written)}.db")
            write(written[-1])
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", too_late)
    delete_cache(project)
    assert len(written) == files
    assert not project.cache_dir.exists()


def test_a_folder_is_deleted_though_somebody_else_deletes_in_it_meanwhile(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.cache_dir / "other" / "records.db")
    unlink, is_first = os.unlink, {True}

    def gone(path: Any, **options: Any) -> None:
        """Delete a file, which somebody has deleted the moment before."""
        if is_first:
            is_first.clear()
            unlink(path, **options)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", gone)
    delete_cache(project)
    assert not project.cache_dir.exists()


def test_a_folder_into_which_somebody_never_stops_writing_is_said_to_be_left(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = os.rmdir

    def too_late(path: Any, **options: Any) -> None:
        write(project.cache_dir / "old" / "new.db")
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", too_late)
    with pytest.raises(CleanupIncomplete, match="cannot be deleted: Directory not empty"):
        delete_cache(project)


def test_a_folder_that_was_deleted_before_is_no_error(project: Environment) -> None:
    shutil.rmtree(project.cache_dir)
    delete_cache(project)


def test_a_file_that_goes_while_it_is_looked_for_is_left_out(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.cache_dir / "other.db")
    stat = Path.stat

    def gone(path: Path, **options: Any) -> os.stat_result:
        if path.name == "records.db":
            path.unlink()
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", gone)
    [found] = kind("local cache").find(project)
    assert found.detail == "1 file, 0.0 kB"
