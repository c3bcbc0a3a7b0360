"""A server with little patience, by raw sockets: who does not say what it wants is not waited for."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from embedded_aws.connections import Patience, PatientServer

SHORT = 0.5
REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body; on /slow it takes its time after the headers, and on /refuse it reads nothing."""
    if scope["type"] == "lifespan":
        return
    body = b""
    if scope["path"] != "/refuse":
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * SHORT)  # an answer that takes longer than a request may
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(patience: Patience) -> Iterator[int]:
    """The port of a server of its own, ended afterwards."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = PatientServer(echo, patience, lifespan="off", log_config=None, access_log=False, ws="none")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection; waits for it, or for bytes, at most the socket's timeout."""
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


def assert_echoed(connection: socket.socket) -> None:
    """Read until the body has come back."""
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
        connection.settimeout(SHORT / 10)
        assert is_closed_while(connection, lambda: connection.sendall(b"P"), begin=b"POST /")


def is_closed_while(connection: socket.socket, send: Any, begin: bytes) -> bool:
    """Whether the connection is closed, although something is sent again and again."""
    connection.sendall(begin)
    for _ in range(1000):
        try:
            if connection.recv(1) == b"":
                return True
        except TimeoutError:
            pass
        except ConnectionResetError:
            return True
        try:
            send()
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def test_a_body_that_stalls_is_not_waited_for() -> None:
    with serving(Patience(body_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST + b"ab")
        assert ended(connection)


def test_a_body_that_comes_slowly_is_waited_for() -> None:
    with serving(Patience(headers_seconds=SHORT, body_seconds=5)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST)
        connection.settimeout(2 * SHORT)
        for byte in (b"a", b"b", b"c"):
            connection.sendall(byte)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        connection.settimeout(10)
        connection.sendall(b"d")
        assert_echoed(connection)


def test_an_answer_that_takes_long_is_waited_for_and_so_is_the_next_request() -> None:
    with serving(Patience(headers_seconds=SHORT, body_seconds=SHORT)) as port, closing(connect(port)) as connection:
        for path in (b"/slow", b"/slow", b"/"):
            connection.sendall(REQUEST.replace(b"/ ", path + b" ", 1) + b"abcd")
            assert_echoed(connection)


def test_a_further_request_on_the_connection_that_does_not_come_is_not_waited_for() -> None:
    with serving(Patience(headers_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.sendall(REQUEST + b"abcd")
        assert_echoed(connection)
        connection.sendall(b"POST")
        assert ended(connection)


def test_the_rest_of_a_body_that_was_refused_gets_no_more_time() -> None:
    with serving(Patience(body_seconds=SHORT)) as port, closing(connect(port)) as connection:
        connection.settimeout(SHORT / 10)
        begin = b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
        assert is_closed_while(connection, lambda: connection.sendall(b"x"), begin)


def test_headers_larger_than_any_clients_end_the_connection() -> None:
    with serving(Patience()) as port, closing(connect(port)) as connection:
        connection.settimeout(0.01)
        piece = b"x" * 4096
        assert is_closed_while(connection, lambda: connection.sendall(piece), b"GET / HTTP/1.1\r\nx-a: ")


def test_strangers_who_say_nothing_do_not_keep_a_client_out() -> None:
    with serving(Patience(max_connections=20)) as port, ExitStack() as stack:
        silent = [stack.enter_context(closing(connect(port))) for _ in range(30)]
        client = stack.enter_context(closing(connect(port)))
        client.sendall(REQUEST + b"abcd")
        assert_echoed(client)
        assert [ended(connection) for connection in silent[:11]] == [True] * 11  # the oldest


def test_the_longest_idle_connection_makes_room_for_a_new_one() -> None:
    with serving(Patience(max_connections=3)) as port, ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(port))) for _ in range(3)]
        for client in clients:
            client.sendall(REQUEST + b"abcd")
            assert_echoed(client)
        newest = stack.enter_context(closing(connect(port)))
        assert ended(clients[0])
        for client in (*clients[1:], newest):
            client.sendall(REQUEST + b"abcd")
            assert_echoed(client)


def test_who_is_being_answered_is_not_turned_out() -> None:
    with serving(Patience(max_connections=1)) as port, closing(connect(port)) as client:
        client.sendall(REQUEST.replace(b"/ ", b"/slow ", 1) + b"abcd")
        assert client.recv(1) == b"H"  # the answer has begun
        with closing(connect(port)) as other:
            assert ended(other)
        assert_echoed(client)
