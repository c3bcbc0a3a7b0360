"""Requests as botocore signs them, and a guard to put them to: each test changes one thing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from embedded_aws import scopes
from embedded_aws.guard import Guard
from embedded_aws.signature import SignedRequest

KEY, SECRET, PORT = "000000000000", "a secret", 4566
HOST = f"127.0.0.1:{PORT}"
_MINISTACK = scopes.ministack()


@dataclass(frozen=True)
class Request:
    """What goes over the wire; `path` is as sent, encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    def changed(self, **headers: str) -> Request:
        """With headers set after signing; underscores stand for hyphens."""
        return replace(self, headers={**self.headers, **{name.replace("_", "-"): v for name, v in headers.items()}})

    def as_signed_request(self) -> SignedRequest:
        return SignedRequest(self.method, self.path, self.query, self.headers)


def sign(
    method: str = "POST",
    path: str = "/",
    service: str = "s3",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    key: str = KEY,
    secret: str = SECRET,
    region: str = "us-east-1",
    host: str = HOST,
) -> Request:
    """A valid request, signed by botocore."""
    request = AWSRequest(method, f"http://{host}{path}", {"Host": host, **(headers or {})}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(key, secret), service, region).add_auth(request)
    parts = urlsplit(f"http://{host}{path}")
    return Request(method, parts.path, parts.query, {n.lower(): v for n, v in request.headers.items()}, body)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Service:
    """What stands behind the guard: it answers 200 with the body that it got, and keeps the pieces that it came in."""

    requests: int = 0
    pieces: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        assert scope["type"] == "http"
        more = True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            self.pieces.append(message["body"])
            more = message["more_body"]
        assert (await receive())["type"] == "http.disconnect"
        body = b"".join(self.pieces)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Answer:
    """How a request ended; `read` is how many of its bytes were taken before."""

    status: int
    content_type: str
    body: bytes
    read: int
    reached_service: bool
    pieces: list[bytes]

    @property
    def is_let_in(self) -> bool:
        return self.status == 200 and self.reached_service


def ask(request: Request, *, service: str = "ministack", pieces: Iterable[bytes] | None = None) -> Answer:
    """Put a request to a guard; `pieces` come as its body instead, and nothing more after them."""
    behind = Service()
    guard = Guard(behind, SECRET, PORT, "instance", scopes.sagemaker if service == "sagemaker" else _MINISTACK)
    return asyncio.run(_ask(guard, behind, request, list(pieces if pieces is not None else [request.body])))


async def _ask(guard: Guard, behind: Service, request: Request, pieces: list[bytes]) -> Answer:
    scope = {
        "type": "http",
        "method": request.method,
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query.encode("ascii"),
        # A header of several lines, as some clients send them, comes as several.
        "headers": [
            (name.encode(), v.encode("latin-1")) for name, value in request.headers.items() for v in value.split("\n")
        ],
    }
    sent: list[Any] = []
    read = 0

    async def receive() -> Any:
        nonlocal read
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    start, end = sent
    assert (start["type"], end["type"]) == ("http.response.start", "http.response.body")
    headers = dict(start["headers"])
    assert int(headers[b"content-length"]) == len(end["body"])
    content_type = headers.get(b"content-type", b"").decode()
    return Answer(start["status"], content_type, end["body"], read, behind.requests > 0, behind.pieces)
