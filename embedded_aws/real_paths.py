"""Where a file really is, asked of the disk for its folder once and not at each object (MiniStack 1.5.33).

To write an object MiniStack resolves five paths, each folder of each anew, which is a fifth of what a small one takes.
Below our state folder, which belongs to one user, nobody makes a symbolic link of a folder that is in use.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

_FOLDERS = 4096
"""Folders that are remembered."""


def install() -> None:
    """Lead the module that stores objects here; call it once."""
    from ministack.services import s3

    s3.os = _Os()


class _Os:
    """The module `os`, as s3.py sees it."""

    def __init__(self) -> None:
        self.path = _Path()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Path:
    """The module `os.path`, as s3.py sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os.path, name)

    @staticmethod
    def realpath(path: str) -> str:
        """As `os.path.realpath`, for a path whose folders stay what they are; its last part is looked at each time."""
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return os.path.realpath(path)
        found = os.path.join(_real_folder(folder), name)  # noqa: PTH118  Path would take longer than what is saved
        return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114  the same


@lru_cache(_FOLDERS)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)
