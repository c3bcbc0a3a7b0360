"""Connections that begin a request and do not end it, by raw sockets: they are closed, and pages stay connected."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect as connect_websocket

from backend.web.patience import Patience, PatientConnections
from tests.backend.web.asking import STREAM, ask
from tests.backend.web.conftest import Served

SHORT = 0.5
REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
REFUSED = b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
STRANGERS = 300


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body, on /slow after a while; on /refuse without reading it; a websocket with what it gets."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    else:
        body = b"" if scope["path"] == "/refuse" else await _body(receive)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/slow":
            await asyncio.sleep(2 * SHORT)
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    return body


@contextmanager
def serving(patience: Patience) -> Iterator[int]:
    """The port of a uvicorn of its own, which knows nothing of patience, ended afterwards."""
    app = PatientConnections(echo, patience)
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, ws="websockets-sansio")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def ended(connection: socket.socket) -> bool:
    """Whether the other side closes the connection before it says anything more."""
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


def ends_while_sending(connection: socket.socket, piece: bytes) -> bool:
    """Whether the connection is closed although there is always more to send."""
    connection.settimeout(SHORT / 10)
    for _ in range(200):
        try:
            connection.sendall(piece)
            if connection.recv(4096) == b"":
                return True
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def assert_echoed(connection: socket.socket) -> None:
    answer = b""
    while not answer.endswith(b"\r\n\r\nabcd"):
        piece = connection.recv(4096)
        assert piece, f"the connection ended after {answer!r}"
        answer += piece


@pytest.mark.parametrize("begin", [b"", b"POST", REQUEST[:-2]])
def test_headers_that_do_not_come_are_not_waited_for(begin: bytes) -> None:
    with serving(Patience(headers_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(begin)
        assert ended(connection)


def test_nor_are_they_byte_by_byte() -> None:
    with serving(Patience(headers_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(b"POST /")
        assert ends_while_sending(connection, b"P")


def test_headers_without_an_end_are_not_kept() -> None:
    with serving(Patience(headers_seconds=60)) as port, closing(connect(port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-a: ")
        assert ends_while_sending(connection, b"x" * 8192)


def test_a_body_that_stalls_is_not_waited_for() -> None:
    with serving(Patience(body_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST + b"ab")
        assert ended(connection)


def test_nor_is_the_rest_of_one_that_was_refused() -> None:
    with serving(Patience(body_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(REFUSED)
        assert ends_while_sending(connection, b"x")


def test_a_body_that_comes_slowly_and_an_answer_that_does_are_waited_for() -> None:
    with serving(Patience(SHORT, SHORT)) as port, closing(connect(port)) as connection:
        for path in (b"/slow", b"/slow", b"/"):
            connection.sendall(REQUEST.replace(b"/ ", path + b" ", 1) + b"abcd")
            assert_echoed(connection)
    with serving(Patience(SHORT, body_seconds=30)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST + b"ab")
        connection.settimeout(2 * SHORT)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.sendall(b"cd")
        assert_echoed(connection)


def test_a_further_request_that_does_not_come_is_not_waited_for() -> None:
    with serving(Patience(headers_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST + b"abcd")
        assert_echoed(connection)
        connection.sendall(b"POST")
        assert ended(connection)


def test_a_websocket_stays_open() -> None:
    with (
        serving(Patience(headers_seconds=SHORT, body_seconds=SHORT)) as port,
        connect_websocket(f"ws://127.0.0.1:{port}/") as websocket,
    ):
        for _ in range(2):
            with closing(connect(port)) as silent:
                assert ended(silent)
            websocket.send("still here")
            assert websocket.recv(5) == "still here"


def test_the_app_closes_connections_that_say_nothing_and_keeps_its_pages(open_app: Served) -> None:
    """As `streamlit run` serves it."""
    origin: Any = f"http://127.0.0.1:{open_app.port}"
    address = f"ws://127.0.0.1:{open_app.port}{STREAM}"
    with connect_websocket(address, origin=origin) as page, ExitStack() as stack:
        connections = [stack.enter_context(closing(connect(open_app.port))) for _ in range(STRANGERS)]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert all(map(ended, connections))
        assert page.ping().wait(5)
        assert ask(open_app.port, "/", {}).status == 200
