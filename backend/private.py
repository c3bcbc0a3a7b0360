"""Folders that other users of the machine cannot read."""

from __future__ import annotations

import os
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, for its owner only; one that is there already is closed to others.

    Raises OSError where that cannot be. A folder of another user stays as that user has it.
    """
    for path in reversed([folder, *folder.parents]):
        if path == folder or not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        folder.chmod(0o700)
