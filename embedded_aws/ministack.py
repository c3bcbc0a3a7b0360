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

from embedded_aws import executions, functions

_SAVE_SECONDS = 0.5
"""What a kill -9 can lose at the most, while the state is small."""
_LOG_SECONDS = 10.0
"""The same for log lines and metrics, which a training job writes all the time: saving each would slow it down."""
_ACTIVE_SECONDS = 15.0
"""For how long after a request state may still change: an execution goes on after the request that started it."""
_SAVE_SHARE = 10
"""Saving takes at most one part in ten of the time, however large the state has grown."""
_READS = ("Describe", "Get", "List")
_LOG_WRITES = frozenset({"PutLogEvents", "PutMetricData"})

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

    functions.install()
    executions.install()
    return _SavingApp(app)


class _SavingApp:
    """MiniStack, with its state saved in between too: by itself it saves only when it ends."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last_change = float("-inf")
        self._has_logged = False

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            self._note(scope)
            await self._app(scope, receive, send)
            return
        saving = asyncio.create_task(self._save_often())
        try:
            await self._app(scope, receive, send)
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving

    def _note(self, scope: Message) -> None:
        """Remember whether a request may change anything; pages ask all the time, and need no saving."""
        operation = _operation(scope)
        if operation in _LOG_WRITES:
            self._has_logged = True
        elif scope["method"] not in ("GET", "HEAD") and not operation.startswith(_READS):
            self._last_change = time.monotonic()

    async def _save_often(self) -> None:
        pause, saved_at = _SAVE_SECONDS, 0.0
        while True:
            await asyncio.sleep(pause)
            started = time.monotonic()
            logs_are_due = self._has_logged and started - saved_at > _LOG_SECONDS
            if logs_are_due or started - self._last_change < _ACTIVE_SECONDS:
                self._has_logged = False
                await asyncio.to_thread(_save)
                saved_at = time.monotonic()
            pause = max(_SAVE_SECONDS, _SAVE_SHARE * (time.monotonic() - started))


def _operation(scope: Message) -> str:
    """The operation's name, where a header or the path holds it: JSON and CBOR protocols."""
    target: bytes = dict(scope["headers"]).get(b"x-amz-target", b"")
    return target.decode("latin-1").rpartition(".")[2] or str(scope["path"]).partition("/operation/")[2]


def _save() -> None:
    from ministack import app
    from ministack.core.persistence import save_all

    save_all(app._build_persistence_save_dict())
