"""What a service answers when the disk takes no more, in the form that its clients read errors in."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

Message = MutableMapping[str, Any]
_STATUS = 507  # boto3 does not ask again: it would be refused again
CODE = "InsufficientStorage"


def signing_service(scope: Message) -> str:
    """The service that a request was signed for; empty when it was not."""
    authorization: bytes = dict(scope["headers"]).get(b"authorization", b"")
    credential = authorization.decode("latin-1").partition("Credential=")[2].partition(",")[0].split("/")
    return credential[3] if len(credential) == 5 else ""


def no_room(folder: Path) -> str:
    """The sentence."""
    return f"The disk that holds {folder} is full, and nothing was stored. Free some space, and try again."


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that the disk takes no more; SQLite calls it an I/O error in places."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


async def disk_full(send: Callable[[Message], Awaitable[None]], scope: Message, folder: Path) -> None:
    """Answer a request that was not performed."""
    kind, content = _body(scope, no_room(folder))
    headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": _STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _body(scope: Message, sentence: str) -> tuple[bytes, bytes]:
    """S3's XML, the query protocol's XML, or JSON."""
    error = f"<Code>{CODE}</Code><Message>{escape(sentence)}</Message>"
    if signing_service(scope) == "s3":
        return b"application/xml", f"<Error>{error}</Error>".encode()
    if dict(scope["headers"]).get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        return b"text/xml", f"<ErrorResponse><Error><Type>Receiver</Type>{error}</Error></ErrorResponse>".encode()
    return b"application/x-amz-json-1.1", json.dumps({"__type": CODE, "message": sentence}).encode()
