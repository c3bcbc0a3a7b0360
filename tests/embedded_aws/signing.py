"""Requests as botocore signs them, and a guard to put them to: each test changes one thing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    """What stands behind the guard: it answers 200 with the body that it got, and counts its requests."""

    requests: int = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Answer:
    """How a request ended; `read` is how many of its bytes were taken before."""

    status: int
    content_type: str
    body: bytes
    read: int
    reached_service: bool

    @property
    def is_let_in(self) -> bool:
        return self.status == 200 and self.reached_service


def ask(request: Request, *, service: str = "ministack", pieces: Iterable[bytes] | None = None) -> Answer:
    """Put a request to a guard; `pieces` come as its body instead, and nothing more after them."""
    behind = Service()
    signed_for = scopes.sagemaker if service == "sagemaker" else scopes.ministack()
    guard = Guard(behind, SECRET, PORT, "instance", signed_for)
    return asyncio.run(_ask(guard, behind, request, list(pieces if pieces is not None else [request.body])))


async def _ask(guard: Guard, behind: Service, request: Request, pieces: list[bytes]) -> Answer:
    scope = {
        "type": "http",
        "method": request.method,
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query.encode("ascii"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()],
    }
    answer: dict[str, Any] = {"body": b""}
    read = 0

    async def receive() -> Any:
        nonlocal read
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.update(status=message["status"], headers=dict(message["headers"]))
        answer["body"] += message.get("body", b"")

    await guard(scope, receive, send)
    content_type = answer["headers"].get(b"content-type", b"").decode()
    return Answer(answer["status"], content_type, answer["body"], read, behind.requests > 0)
