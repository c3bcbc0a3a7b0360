"""Asking the served app byte by byte, as a program does that puts what it likes into a request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
    "Sec-WebSocket-Protocol": "streamlit",
}
STREAM = "/_stcore/stream"
SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    text: str


def ask(port: int, path: str, headers: Mapping[str, str | None], method: str = "GET") -> Answer:
    """Send one request to a port of this machine; Host is the app's own address unless it is given, or None."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": f"127.0.0.1:{port}"} | dict(headers)).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        text = "" if response.status == 101 else response.read().decode("utf-8", "replace")
        return Answer(response.status, response.headers, text)
    finally:
        connection.close()


def shake_hands(port: int, headers: Mapping[str, str | None]) -> int:
    """Open the app's websocket; returns 101 where it opens."""
    return ask(port, STREAM, HANDSHAKE | dict(headers)).status
