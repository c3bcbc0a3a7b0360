"""The Lambdas' archives."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from backend.workflow.code import zip_folder


def test_the_handler_is_at_the_archives_root(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("x = 1")
    with zipfile.ZipFile(io.BytesIO(zip_folder(tmp_path))) as archive:
        assert archive.read("handler.py") == b"x = 1"


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("x = 1")
    before = zip_folder(tmp_path)
    os.utime(handler, (1e9, 1e9))
    assert zip_folder(tmp_path) == before


def test_compiled_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"")
    with zipfile.ZipFile(io.BytesIO(zip_folder(tmp_path))) as archive:
        assert archive.namelist() == []
