"""Cleanup of the project's folders on this machine, while others write there."""

from __future__ import annotations

import errno
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


def files(project: Environment) -> list[Path]:
    return [path for path in project.cache_dir.rglob("*") if path.is_file()]


def test_all_files_go_and_who_was_about_to_write_finds_the_folder(project: Environment) -> None:
    write(project.cache_dir / "other.db")
    delete_cache(project)
    assert files(project) == []
    (project.cache_dir / "old" / "new.db").touch()


def test_a_file_that_somebody_else_deletes_meanwhile_is_no_error(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def gone(path: Path, **options: Any) -> None:
        unlink(path)
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", gone)
    delete_cache(project)
    assert files(project) == []


def test_a_file_that_cannot_be_deleted_is_named(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, **_options: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CleanupIncomplete, match=r"records\.db cannot be deleted: Operation not permitted"):
        delete_cache(project)


def test_a_folder_that_is_not_there_is_no_error(project: Environment) -> None:
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
