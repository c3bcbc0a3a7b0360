"""MiniStack as a service of ours (1.5.33): its settings, its ASGI app, when it saves its state, and what it refuses.

What is known of its insides is here, in `ministack_state`, `executions` and `functions`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from embedded_aws import deadlines, definitions, executions, functions, nesting, publishing, real_paths
from embedded_aws.ministack_state import FAILURES, SAVED_BEFORE_ANSWER, MiniStackState
from embedded_aws.refusals import disk_full, signing_service

_log = logging.getLogger(__name__)
_SAVE_SECONDS = 0.2
"""Between two saves: what a kill -9 can lose at the most. Executions and stacks are saved before they are told of."""
_LOG_SECONDS = 10.0
"""The same for log lines and metrics, which a training job writes all the time: saving each would slow it down."""
_ACTIVE_SECONDS = 15.0
"""For how long after a request state may still change: an execution goes on after the request that started it."""
_RESERVE_BYTES = 16 << 20
"""What has to stay free on the disk, for the state and for what deleting takes."""
_READS = ("Describe", "Get", "List")
_REMOVALS = ("Delete", "Stop", "Abort", "Untag", "Cancel", "Remove")
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

    state = MiniStackState(folder / "state")
    state.install()
    functions.install()
    executions.install()
    deadlines.install()
    publishing.install()
    definitions.install()
    nesting.install()
    real_paths.install()
    _install_strict_storage()
    return _SavingApp(app, state, folder)


def _install_strict_storage() -> None:
    """Make S3 fail when an object does not reach the disk: MiniStack keeps it in memory, and says it is stored."""
    from ministack.services import s3

    persist = s3._persist_object

    def persist_or_fail(bucket: str, key: str, record: Any) -> None:
        persist(bucket, key, record)
        if isinstance(record, dict) and record.get("body") is not None:  # it lets go of what it has written
            raise OSError(f"object {key} of bucket {bucket} could not be written")

    s3._persist_object = persist_or_fail


class _SavingApp:
    """MiniStack, with its state saved in between too, and nothing taken on that the disk has no room for."""

    def __init__(self, app: App, state: MiniStackState, folder: Path) -> None:
        self._app = app
        self._state = state
        self._folder = folder
        self._last_change = float("-inf")
        self._has_logged = False

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
            return
        saving = asyncio.create_task(self._save_often())
        try:
            await self._app(scope, receive, send)
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving

    async def _serve(self, scope: Message, receive: Any, send: Any) -> None:
        service = signing_service(scope)
        if self._lacks_room(scope):
            await disk_full(send, scope, self._folder)
            return
        self._note(scope)

        async def send_saved(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.to_thread(self._state.before_answer, service)
            await send(message)

        try:
            await self._app(scope, receive, send_saved if service in SAVED_BEFORE_ANSWER else send)
        except FAILURES as error:
            _log.error("a request failed, as the disk does not take it: %s", error)
            await disk_full(send, scope, self._folder)

    def _lacks_room(self, scope: Message) -> bool:
        """Whether a request would store what the disk has no room for; to delete is always possible."""
        if not _stores(scope):
            return False
        length = dict(scope["headers"]).get(b"content-length", b"0")
        return shutil.disk_usage(self._folder).free < _RESERVE_BYTES + int(length)

    def _note(self, scope: Message) -> None:
        """Remember whether a request may change anything; pages ask all the time, and need no saving."""
        operation = _operation(scope)
        if operation in _LOG_WRITES:
            self._has_logged = True
        elif scope["method"] not in ("GET", "HEAD") and not operation.startswith(_READS):
            self._last_change = time.monotonic()

    async def _save_often(self) -> None:
        pause, logs_saved_at = _SAVE_SECONDS, 0.0
        while True:
            await asyncio.sleep(pause)
            started = time.monotonic()
            logs_are_due = started - logs_saved_at > _LOG_SECONDS
            if self._is_active(started) or (logs_are_due and self._has_logged):
                if logs_are_due:
                    self._has_logged, logs_saved_at = False, started
                await self._save(logs=logs_are_due)
            pause = max(_SAVE_SECONDS, time.monotonic() - started)

    def _is_active(self, now: float) -> bool:
        """Whether anything may have changed of late: by a request, or by an execution that others have started."""
        return now - max(self._last_change, self._state.last_end) < _ACTIVE_SECONDS

    async def _save(self, *, logs: bool) -> None:
        try:
            await asyncio.to_thread(self._state.save, logs=logs)
        except FAILURES as error:
            _log.error("the state could not be saved, which is tried again: %s", error)


def _stores(scope: Message) -> bool:
    """Whether a request stores something, as far as its method, its path and its headers tell."""
    operation = _operation(scope)
    if operation:
        return not operation.startswith((*_READS, *_REMOVALS))
    is_query = dict(scope["headers"]).get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")
    return scope["method"] in ("PUT", "POST") and not is_query and not scope["query_string"].startswith(b"delete")


def _operation(scope: Message) -> str:
    """The operation's name, where a header or the path holds it: JSON and CBOR protocols."""
    target: bytes = dict(scope["headers"]).get(b"x-amz-target", b"")
    return target.decode("latin-1").rpartition(".")[2] or str(scope["path"]).partition("/operation/")[2]
