"""One serving container: a process that answers on a unix socket, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import shutil
import signal
import tempfile
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from embedded_aws.sagemaker.containers import process
from embedded_aws.sagemaker.limits import Limits

_log = logging.getLogger(__name__)
_SOCKET_LINK = "socket"
_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class WorkerFailed(Exception):
    """When a container does not start; the message is the end of its log."""


class WorkerGone(Exception):
    """When a container ended before it answered."""


class WorkerUnreachable(Exception):
    """When a container has ended, and saw nothing of the request."""


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    content_type: str
    body: bytes
    custom_attributes: str | None


class Worker:
    """A container in its own folder, which holds the extracted model. Belongs to one event loop."""

    def __init__(self, folder: Path, program: Sequence[str], variables: Mapping[str, str], limits: Limits) -> None:
        self.folder = folder
        self.in_flight = 0
        self._program = program
        self._limits = limits
        self._variables = variables
        # A path of our own: a unix socket's may have 108 bytes, and a state folder can be anywhere.
        self._socket_folder = tempfile.TemporaryDirectory(prefix="scones-")
        (folder / _SOCKET_LINK).symlink_to(self._socket_folder.name)
        self._socket = Path(self._socket_folder.name) / "serve"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self._socket), limit=0),
            timeout=aiohttp.ClientTimeout(total=limits.answer_seconds),
        )
        self._process: Process | None = None
        self._ready = asyncio.Event()
        self._supervision: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def start(self) -> None:
        """Start the container and wait until it answers; raises WorkerFailed when it does not."""
        await self._launch()
        self._supervision = asyncio.create_task(self._supervise())

    async def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Pass a request on.

        Raises WorkerUnreachable or WorkerGone when the container died first, TimeoutError when it takes too long.
        """
        self.in_flight += 1
        try:
            async with self._session.post(
                "http://container/invocations", data=io.BytesIO(body), headers=headers
            ) as response:
                content_type = response.headers.get("Content-Type", "application/octet-stream").partition(";")[0]
                content = await response.read()
                return Answer(response.status, content_type, content, response.headers.get(_ATTRIBUTES))
        except aiohttp.ClientConnectorError as error:
            raise WorkerUnreachable(str(error)) from error
        except aiohttp.ClientError as error:
            raise WorkerGone(str(error)) from error
        finally:
            self.in_flight -= 1

    async def stop(self) -> None:
        """End the container: asked at first, then killed."""
        if self._supervision is not None:
            self._supervision.cancel()
            await asyncio.wait([self._supervision])
        await self._end()
        await self._session.close()
        self._socket_folder.cleanup()

    @staticmethod
    def end_leftover(folder: Path) -> None:
        """End the container that an earlier service left in a folder, and remove the folder of its socket."""
        process.end_leftover(folder)
        link = folder / _SOCKET_LINK
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)

    async def _supervise(self) -> None:
        """Start the container again whenever it ends."""
        while True:
            assert self._process is not None  # noqa: S101  start() launched it
            code = await self._process.wait()
            self._ready.clear()
            _log.warning("a serving container ended with code %s; starting it again", code)
            await asyncio.sleep(self._limits.restart_pause_seconds)
            with contextlib.suppress(WorkerFailed, OSError):  # then it is tried again
                await self._launch()

    async def _launch(self) -> None:
        self._socket.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *process.command(self._program, "serve", self.folder),
                env=process.environment(self.folder, {**self._variables, "SAGEMAKER_SOCKET": str(self._socket)}),
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await asyncio.wait_for(self._await_ping(), self._limits.ready_seconds)
        except TimeoutError as error:
            await self._end()
            seconds = f"{self._limits.ready_seconds:.0f} seconds"
            raise WorkerFailed(f"the container did not answer /ping within {seconds}") from error
        self._ready.set()

    async def _await_ping(self) -> None:
        assert self._process is not None  # noqa: S101  _launch made it
        while True:
            if self._process.returncode is not None:
                raise WorkerFailed(_last_line(self.log))
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.get("http://container/ping") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.02)

    async def _end(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        process.signal_group(self._process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), self._limits.serving_end_seconds)
        except TimeoutError:
            process.signal_group(self._process.pid, signal.SIGKILL)
            await self._process.wait()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "the container ended without a word")
