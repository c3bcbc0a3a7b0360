"""The one place that knows MiniStack's insides (1.5.33): its settings, its ASGI app, and when it saves its state."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

_SAVE_SECONDS = 0.5
"""What a kill -9 can lose at the most, while the state is small."""
_ACTIVE_SECONDS = 30.0
"""For how long after a request state may still change: an execution goes on after the request that started it."""
_SAVE_SHARE = 20
"""Saving takes at most one part in twenty of the time, however large the state has grown."""
_READS = (b"Describe", b"Get", b"List")

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def create_app(folder: Path, port: int) -> App:
    """MiniStack on its own folder, saving its state every few seconds; once a process, as its state is in modules."""
    scratch = folder / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)  # MiniStack leaves unpacked Lambda code behind
    scratch.mkdir(mode=0o700)
    tempfile.tempdir = str(scratch)
    os.environ |= {
        "TMPDIR": str(scratch),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
    }
    from ministack.app import app  # reads the variables above as it is imported

    return _SavingApp(app)


class _SavingApp:
    """MiniStack, with its state saved in between too: by itself it saves only when it ends."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last_change = float("-inf")

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            if not _is_read(scope):
                self._last_change = time.monotonic()
            await self._app(scope, receive, send)
            return
        saving = asyncio.create_task(self._save_often())
        try:
            await self._app(scope, receive, send)
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving

    async def _save_often(self) -> None:
        pause = _SAVE_SECONDS
        while True:
            await asyncio.sleep(pause)
            started = time.monotonic()
            if started - self._last_change < _ACTIVE_SECONDS:
                await asyncio.to_thread(_save)
            pause = max(_SAVE_SECONDS, _SAVE_SHARE * (time.monotonic() - started))


def _is_read(scope: Message) -> bool:
    """Whether a request cannot change anything: pages ask all the time, and need no saving."""
    if scope["method"] in ("GET", "HEAD"):
        return True
    target: bytes = dict(scope["headers"]).get(b"x-amz-target", b"")
    return target.rpartition(b".")[2].startswith(_READS)


def _save() -> None:
    from ministack import app
    from ministack.core.persistence import save_all

    save_all(app._build_persistence_save_dict())
