"""What stands before each service: it lets in only requests signed with this installation's secret.

A loopback port is open to every program of every user of the machine, and to any web page that a browser shows. So
foreign hosts and browsers are refused before anything else, and everything must be signed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.installation import ACCOUNT, HEALTH_PATH
from embedded_aws.signature import SignatureRefused, SignedRequest, signing_service, verify

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_LARGE_BYTES = 256 << 10  # hashing more than this would hold the event loop up
_UNHASHED = ("UNSIGNED-PAYLOAD", "STREAMING-")
_FORBIDDEN_PREFIX = "/_ministack"  # MiniStack's own administration, such as its reset


class Guard:
    """ASGI middleware around one service; `instance` is what its health path answers."""

    def __init__(self, app: App, secret: str, port: int, instance: str) -> None:
        self._app = app
        self._secret = secret
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._instance = instance.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        try:
            self._refuse_strangers(scope, headers)
            if scope["path"] == HEALTH_PATH:
                await _answer(send, 200, "text/plain", self._instance)
                return
            receive = await self._authenticate(scope, headers, receive)
        except SignatureRefused as error:
            await _answer(send, 403, *_error_body(headers, error))
            return
        await self._app(scope, receive, send)

    def _refuse_strangers(self, scope: Message, headers: dict[str, str]) -> None:
        if headers.get("host") not in self._hosts:
            raise SignatureRefused("AccessDenied", "This service answers on 127.0.0.1 only.")
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise SignatureRefused("AccessDenied", "This service does not answer web pages.")
        if scope["path"].startswith(_FORBIDDEN_PREFIX):
            raise SignatureRefused("AccessDenied", f"{_FORBIDDEN_PREFIX} is not served here.")

    async def _authenticate(self, scope: Message, headers: dict[str, str], receive: Receive) -> Receive:
        """Check the signature, and the body where its hash is signed; returns where the body is read from then."""
        request = SignedRequest(
            scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"), headers
        )
        stated = headers.get("x-amz-content-sha256", "")
        now = datetime.now(UTC)
        if stated.startswith(_UNHASHED):
            verify(request, stated, ACCOUNT, self._secret, now)
            return receive
        if stated:  # before the body, which a stranger could make as large as memory
            verify(request, stated, ACCOUNT, self._secret, now)
        body = await _read_body(receive)
        actual = await _body_sha256(body)
        if not stated:
            verify(request, actual, ACCOUNT, self._secret, now)
        elif stated != actual:
            raise SignatureRefused("XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
        return _replay(body, receive)


def _headers(scope: Message) -> dict[str, str]:
    """By name in lower case; a repeated header's values are joined, as the signature demands."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SignatureRefused("RequestTimeout", "The request ended before its body.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _body_sha256(body: bytes) -> str:
    if len(body) > _LARGE_BYTES:
        return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()
    return hashlib.sha256(body).hexdigest()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body again that was read for its hash, then whatever comes."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _error_body(headers: dict[str, str], error: SignatureRefused) -> tuple[str, bytes]:
    """The refusal as the service's clients read errors: S3's XML, the query protocol's XML, or JSON."""
    code, message = escape(error.code), escape(error.message)
    if signing_service(headers) == "s3":
        return "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return "text/xml", f"<ErrorResponse>{inner}<RequestId>none</RequestId></ErrorResponse>".encode()
    return "application/x-amz-json-1.1", json.dumps({"__type": error.code, "message": error.message}).encode()


async def _answer(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
