"""Folders that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.monitoring.store import CaptureStore
from backend.private import make_private_folder
from backend.progress import no_progress
from backend.staging.sample import draw_archive


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What most systems have: others may read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_what_is_made_is_private_and_so_is_what_was_missing_above(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "state" / "cache" / "store")
    assert {mode(tmp_path / part) for part in ("state", "state/cache", "state/cache/store")} == {"0o700"}


def test_a_folder_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir(mode=0o755)
    make_private_folder(tmp_path / "downloads")
    assert mode(tmp_path / "downloads") == "0o700"


def test_what_stands_above_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    make_private_folder(tmp_path / "home" / "cache")
    assert mode(tmp_path / "home") == "0o755"


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cache").touch(0o644)
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "cache")


def test_captured_records_and_archives_are_kept_private(tmp_path: Path) -> None:
    CaptureStore(tmp_path / "state" / "cache" / "records.duckdb").query("SELECT 1")
    draw_archive(tmp_path / "state" / "downloads", {"train": {"bicycle": 1}, "test": {"bicycle": 1}}, no_progress)
    assert {mode(tmp_path / part) for part in ("state", "state/cache", "state/downloads")} == {"0o700"}
