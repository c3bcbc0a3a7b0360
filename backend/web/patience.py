"""No connection waits for ever: uvicorn would, for a request that has begun, and every program could open hundreds."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Patience(NamedTuple):
    """Seconds and sizes; a browser sends its headers at once, in a few kilobytes."""

    headers_seconds: float = 10.0
    """From the connection, or the first byte of a further request, to the last of the headers."""
    body_seconds: float = 60.0
    """Without a byte of a body that has not ended."""
    max_header_bytes: int = 64 << 10


class PatientConnections:
    """ASGI middleware outside of all others: the connections of the uvicorn that serves the app are PatientProtocols.

    The app is served by `streamlit run`, which gives no way to its server but the lifespan's messages.
    """

    def __init__(self, app: ASGIApp, patience: Patience | None = None) -> None:
        self._app = app
        self._patience = patience or Patience()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # before the server listens
            config = getattr(getattr(receive, "__self__", None), "config", None)
            if isinstance(config, uvicorn.Config):
                config.http_protocol_class = partial(PatientProtocol, self._patience)  # type: ignore[assignment]
        await self._app(scope, receive, send)


class PatientProtocol(HttpToolsProtocol):
    """A connection that is closed when the rest of a request does not come; a websocket is none any more."""

    def __init__(self, patience: Patience, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience = patience
        self._end: asyncio.TimerHandle | None = None
        self._header_bytes: int | None = 0  # None while no headers are awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self._patience.headers_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._header_bytes > self._patience.max_header_bytes:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._wait(self._patience.headers_seconds)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._header_bytes = None
        self._wait(self._patience.body_seconds)

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if not self.cycle.response_complete:  # the rest of a body that was refused gets no more time
            self._wait(self._patience.body_seconds)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        """Close the connection after so many seconds; None is not at all."""
        if self._end is not None:
            self._end.cancel()
        self._end = None if seconds is None else self.loop.call_later(seconds, self._close)

    def _close(self) -> None:
        if self.flow.read_paused:  # it is the app that does not read
            self._wait(self._patience.body_seconds)
        else:
            self.transport.abort()
