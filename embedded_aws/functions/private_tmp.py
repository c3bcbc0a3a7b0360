"""A /tmp of this process's own, as every execution environment has one: a literal "/tmp/image.png" is nobody else's.

On Linux a mount namespace does it, as root or, where the system allows them, in a user namespace. Elsewhere the calls
that take a path are given another one: what Python itself opens is caught, what a library in C opens is not.
"""

from __future__ import annotations

import builtins
import ctypes
import functools
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TMP = "/tmp"  # noqa: S108  the very path that functions write to
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_OS_FUNCTIONS = (
    "access", "chmod", "chown", "link", "listdir", "lstat", "makedirs", "mkdir", "open", "readlink", "remove",
    "removedirs", "rename", "renames", "replace", "rmdir", "scandir", "stat", "symlink", "truncate", "unlink", "utime",
    "walk",
)  # fmt: skip


def take(folder: str, needed: Sequence[str]) -> None:
    """Make `folder` this process's /tmp; the `needed` folders stay where they are, though they be below /tmp.

    Call it while the process has one thread only: a namespace is a thread's, and those that it starts later share it.
    """
    os.environ.pop("TMPDIR", None)
    if not (sys.platform == "linux" and _mount(folder, needed)):
        redirect(folder, needed)


def _mount(folder: str, needed: Sequence[str]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
    return _bind_all(libc, Path(folder), needed)


def _bind_all(libc: ctypes.CDLL, folder: Path, needed: Sequence[str]) -> bool:
    if libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
        return False
    for path in map(Path, needed):
        if path.is_relative_to(TMP):
            stays = folder / path.relative_to(TMP)
            stays.mkdir(parents=True, exist_ok=True)
            if not _bind(libc, path, stays):
                return False
    return _bind(libc, folder, Path(TMP))


def _bind(libc: ctypes.CDLL, source: Path, target: Path) -> bool:
    return bool(libc.mount(bytes(source), bytes(target), None, _MS_BIND | _MS_REC, None) == 0)


def redirect(folder: str, needed: Sequence[str]) -> None:
    """Give Python's calls that take a path another one where that is below /tmp."""
    kept = tuple(os.path.realpath(path) for path in (folder, *needed))
    real = os.path.realpath(TMP)

    def elsewhere(path: Any) -> Any:
        if isinstance(path, int) or not isinstance(path, str | bytes | os.PathLike):
            return path
        text = os.fsdecode(path)
        absolute = os.path.normpath(text) if text.startswith("/") else ""
        for root in (TMP, real):
            if (absolute == root or absolute.startswith(f"{root}/")) and not absolute.startswith(kept):
                return folder + absolute[len(root) :]
        return path

    for name in _OS_FUNCTIONS:
        setattr(os, name, _with_paths(getattr(os, name), elsewhere))
    builtins.open = io.open = _with_paths(io.open, elsewhere)
    tempfile.tempdir = folder  # it took its own hold on some of these functions as it was imported
    shutil.rmtree = _with_paths(shutil.rmtree, elsewhere)  # type: ignore[assignment]


def _with_paths(function: Callable[..., Any], elsewhere: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function with its first two arguments, if they are paths, led elsewhere."""

    @functools.wraps(function)
    def led(*args: Any, **kwargs: Any) -> Any:
        return function(*map(elsewhere, args[:2]), *args[2:], **kwargs)

    return led
