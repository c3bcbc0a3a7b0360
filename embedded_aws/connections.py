"""How long a connection may take to say what it wants, and how many there may be.

uvicorn waits for ever for a request that has begun; every program of the machine can leave hundreds of them open.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True)
class Patience:
    """Seconds and sizes; a client of AWS sends its headers at once, in a few kilobytes."""

    headers_seconds: float = 15.0
    """From the connection, or the first byte of a further request, to the last of the headers."""
    body_seconds: float = 60.0
    """Without a byte of a body that has not ended."""
    max_header_bytes: int = 64 << 10
    """AWS takes 8 to 16 KB, by service."""
    max_connections: int = 512
    """A batch has 8 clients and some 40 Lambdas, each with 10 connections at the most."""


class PatientServer(uvicorn.Server):
    """uvicorn that closes a connection whose request does not come: the state of each stands in `PatientProtocol`."""

    def __init__(self, app: Any, patience: Patience | None = None, **options: Any) -> None:
        self._patience = patience or Patience()
        super().__init__(uvicorn.Config(app, http=self._connect, loop="asyncio", **options))  # type: ignore[arg-type]

    def _connect(self, *arguments: Any, **options: Any) -> PatientProtocol:
        return PatientProtocol(self._patience, *arguments, **options)

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            assert isinstance(connection, PatientProtocol)  # noqa: S101  made by `_connect`
            connection.close_when_late(now)
        return await super().on_tick(counter)


class PatientProtocol(HttpToolsProtocol):
    """A connection that knows since when, and until when, it waits for the rest of a request."""

    def __init__(self, patience: Patience, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience = patience
        self._header_bytes: int | None = 0  # None while no headers are awaited
        self._deadline: float | None = None  # None while nothing is awaited
        self.waits_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()
        if len(self.connections) > self._patience.max_connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._header_bytes > self._patience.max_header_bytes:
                self.transport.abort()
        elif self._deadline is not None and not self.cycle.response_complete:  # a refused body gets no more time
            self._deadline = self.loop.time() + self._patience.body_seconds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._header_bytes = None
        self._deadline = self.loop.time() + self._patience.body_seconds

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._deadline = None

    def close_when_late(self, now: float) -> None:
        """Close the connection when its request has not come in time; while we do not read, that is not its fault."""
        if self._deadline is None:
            return
        if self.flow.read_paused:
            self._deadline = now + self._patience.body_seconds
        elif now > self._deadline:
            self.transport.abort()

    def _await_headers(self) -> None:
        self._header_bytes = 0
        self.waits_since = self.loop.time()
        self._deadline = self.waits_since + self._patience.headers_seconds

    def _make_room(self) -> None:
        """Close the connection that has waited longest for its request to end (a client's takes milliseconds), or else
        the one that has been idle longest; while all of them are being answered, this one.
        """
        known = (other for other in self.connections if isinstance(other, PatientProtocol) and other is not self)
        others = [other for other in known if not other.transport.is_closing()]
        if len(others) < self._patience.max_connections:
            return
        unanswered = [other for other in others if other.is_unfinished or other.is_idle]
        leaving = min(unanswered, key=lambda other: (other.is_idle, other.waits_since), default=self)
        leaving.transport.abort()

    @property
    def is_unfinished(self) -> bool:
        """Whether the rest of a request, or a first one, is awaited."""
        return self._deadline is not None

    @property
    def is_idle(self) -> bool:
        """Whether a request has been answered and no further one has begun."""
        return self._deadline is None and self.cycle.response_complete
