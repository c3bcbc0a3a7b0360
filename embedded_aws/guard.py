"""What stands before each service: it lets in only requests signed with this installation's secret.

A loopback port is open to every program of every user of the machine, and to any web page that a browser shows. So
foreign hosts and browsers are refused before anything else, and everything must be signed. The checks go from cheap to
dear: nobody's body is read before their headers have passed, and none that is not yet verified is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from embedded_aws.installation import ACCOUNT, HEALTH_PATH, REGION
from embedded_aws.scopes import SignedFor
from embedded_aws.signature import (
    Authorization,
    RequestRefused,
    SignedRequest,
    check_claims,
    parse_authorization,
    verify,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Spool = SpooledTemporaryFile[bytes]

_UNHASHED = ("UNSIGNED-PAYLOAD", "STREAMING-")
_FORBIDDEN_PREFIX = "/_"  # MiniStack's own doors, such as the one to reset it; no path of AWS begins so
_IN_MEMORY_BYTES = 1 << 20
"""How much of a body waits in memory for its signature to be checked; more of it waits on the disk."""
_PIECE_BYTES = 1 << 20
_MAX_BODY_BYTES = {"s3": 5 << 30, "lambda": 70_167_211}
"""What AWS takes at the most in one request: S3 in one PUT, Lambda with a function's code in it."""
_MAX_OTHER_BODY_BYTES = 16 << 20
"""The most that any other service takes: DynamoDB, in a batch; an endpoint 6 MB, CloudFormation and logs 1 MB."""


class Guard:
    """ASGI middleware around one service; `instance` is what its health path answers."""

    def __init__(self, app: App, secret: str, port: int, instance: str, signed_for: SignedFor) -> None:
        self._app = app
        self._secret = secret
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._instance = instance.encode()
        self._signed_for = signed_for

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer_http(scope, receive, send)

    async def _answer_http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        unverified_bytes = 0 if "x-amz-content-sha256" in headers else _IN_MEMORY_BYTES
        with SpooledTemporaryFile[bytes](unverified_bytes) as spool:
            try:
                self._refuse_strangers(scope, headers)
                if scope["path"] == HEALTH_PATH:
                    await _answer(send, HTTPStatus.OK, "text/plain", self._instance)
                    return
                authorization = parse_authorization(headers)
                self._refuse_claims(scope, headers, authorization)
                receive = await self._authenticate(scope, headers, authorization, receive, spool)
            except RequestRefused as error:
                await _answer(send, error.status, *_error_body(headers, error))
                return
            await self._app(scope, receive, send)

    def _refuse_strangers(self, scope: Message, headers: dict[str, str]) -> None:
        if headers.get("host") not in self._hosts:
            raise RequestRefused("AccessDenied", "This service answers on 127.0.0.1 only.")
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise RequestRefused("AccessDenied", "This service does not answer web pages.")
        if scope["path"] != HEALTH_PATH and _plain(scope["path"]).startswith(_FORBIDDEN_PREFIX):
            raise RequestRefused("AccessDenied", f"Paths that begin with {_FORBIDDEN_PREFIX} are not served here.")

    def _refuse_claims(self, scope: Message, headers: dict[str, str], authorization: Authorization) -> None:
        """What the headers say must be right before anything is read that follows them."""
        check_claims(authorization, headers, ACCOUNT, REGION, datetime.now(UTC))
        service = authorization.service
        if not self._signed_for(service, scope["path"], headers.get("x-amz-target", "")):
            raise RequestRefused(
                "SignatureDoesNotMatch",
                f"Credential should be scoped to the service that is asked, not '{service}'. "
                "If the client is right, the embedded AWS does not have this service, or has it on its other port.",
            )
        if service == "s3" and "x-amz-content-sha256" not in headers:
            raise RequestRefused(
                "InvalidRequest",
                "Missing required header for this request: x-amz-content-sha256",
                HTTPStatus.BAD_REQUEST,
            )
        if int(headers.get("content-length", "0")) > _max_body_bytes(service):
            raise _too_large(service)

    async def _authenticate(
        self, scope: Message, headers: dict[str, str], authorization: Authorization, receive: Receive, spool: Spool
    ) -> Receive:
        """Check the signature, and the body where its hash is signed; returns where the body is read from then."""
        request = SignedRequest(
            scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"), headers
        )
        stated = headers.get("x-amz-content-sha256")
        if stated is None:
            verify(request, authorization, await _read_body(receive, spool, authorization.service), self._secret)
            return _replay(spool, receive)
        verify(request, authorization, stated, self._secret)
        if authorization.service == "s3" and stated.startswith(_UNHASHED):
            return receive
        if stated != await _read_body(receive, spool, authorization.service):
            raise RequestRefused("XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
        return _replay(spool, receive)


def _headers(scope: Message) -> dict[str, str]:
    """By name in lower case; a repeated header's values are joined, as the signature demands."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _plain(path: str) -> str:
    """The path without what could hide where it leads: encoding, doubled slashes, dots."""
    if "//" not in path and "/." not in path and "%" not in path:
        return path
    return posixpath.normpath("/" + unquote(unquote(path)).lstrip("/"))


def _max_body_bytes(service: str) -> int:
    return _MAX_BODY_BYTES.get(service, _MAX_OTHER_BODY_BYTES)


def _too_large(service: str) -> RequestRefused:
    limit = _max_body_bytes(service)
    if service == "s3":
        message = f"Your proposed upload exceeds the maximum allowed size of {limit} bytes: upload it in parts."
        return RequestRefused("EntityTooLarge", message, HTTPStatus.BAD_REQUEST)
    message = f"Request must be smaller than {limit} bytes."
    return RequestRefused("RequestEntityTooLargeException", message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


async def _read_body(receive: Receive, spool: Spool, service: str) -> str:
    """Read the body into the spool; returns its SHA-256 in hex.

    Hashed as it comes, in pieces of some 64 KB, it never holds the event loop up.
    """
    digest, size, limit = hashlib.sha256(), 0, _max_body_bytes(service)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused("RequestTimeout", "The request ended before its body.", HTTPStatus.BAD_REQUEST)
        piece = message["body"]
        size += len(piece)
        if size > limit:
            raise _too_large(service)
        digest.update(piece)
        spool.write(piece)
        if not message["more_body"]:
            return digest.hexdigest()


def _replay(spool: Spool, receive: Receive) -> Receive:
    """Give the body again that was read for its hash, then whatever comes."""
    left = spool.tell()
    spool.seek(0)

    async def replayed() -> Message:
        nonlocal left
        if spool.closed:
            return await receive()
        piece = spool.read(_PIECE_BYTES)
        left -= len(piece)
        if not left:
            spool.close()
        return {"type": "http.request", "body": piece, "more_body": left > 0}

    return replayed


def _error_body(headers: dict[str, str], error: RequestRefused) -> tuple[str, bytes]:
    """The refusal as the service's clients read errors: S3's XML, the query protocol's XML, CBOR or JSON."""
    code, message = escape(error.code), escape(error.message)
    if "/s3/aws4_request" in headers.get("authorization", ""):
        return "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return "text/xml", f"<ErrorResponse>{inner}<RequestId>none</RequestId></ErrorResponse>".encode()
    body = {"__type": error.code, "message": error.message}
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "application/cbor", b"\xa2" + b"".join(_cbor_text(text) for pair in body.items() for text in pair)
    return "application/x-amz-json-1.1", json.dumps(body).encode()


def _cbor_text(text: str) -> bytes:
    """RFC 8949: major type 3 with a length of two bytes."""
    encoded = text.encode()
    return b"\x79" + struct.pack(">H", len(encoded)) + encoded


async def _answer(send: Send, status: HTTPStatus, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
