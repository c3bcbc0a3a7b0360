"""Where the embedded S3's files really are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from embedded_aws.real_paths import _Os

PATHS = _Os().path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bucket's folder, that an object and a symbolic link are in, reached through a link of its own."""
    bucket = tmp_path / "disk" / "bucket"
    (bucket / "train").mkdir(parents=True)
    (bucket / "train" / "a.png").touch()
    (tmp_path / "elsewhere").touch()
    (bucket / "train" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "state").symlink_to(tmp_path / "disk")
    return tmp_path / "state" / "bucket"


@pytest.mark.parametrize(
    "key",
    [
        *("", "train", "train/a.png", "train/missing.png", "missing/folder/a.png", "train/link"),
        *("train/..", "train/../../a", "../../../../../../../../../../etc/passwd", "train/.", "train/", "./train"),
    ],
)
def test_a_path_is_what_python_says_it_is(folder: Path, key: str) -> None:
    path = f"{folder}/{key}"
    for _ in range(2):
        assert PATHS.realpath(path) == os.path.realpath(path)


def test_a_link_that_takes_a_files_place_is_seen(folder: Path) -> None:
    path = folder / "train" / "a.png"
    assert PATHS.realpath(str(path)) == str(path.resolve())
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert PATHS.realpath(str(path)) == "/etc/passwd"


def test_a_folder_is_asked_about_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, realpath = list[str](), os.path.realpath

    def counted(path: str) -> str:
        asked.append(path)
        return realpath(path)

    monkeypatch.setattr(os.path, "realpath", counted)
    for number in range(3):
        PATHS.realpath(f"{folder}/train/{number}.png")
    assert asked == [f"{folder}/train"]


def test_the_rest_is_pythons_own() -> None:
    assert PATHS.basename("a/b.png") == "b.png"
    assert _Os().getpid() == os.getpid()
