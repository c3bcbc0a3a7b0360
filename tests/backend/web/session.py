"""A visitor's session without a browser: what Streamlit's own page says over the websocket, and hears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.backend.web.asking import STREAM


class Session:
    """One visitor's."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def visit(self, page: str, seconds: float) -> list[str]:
        """Have a page drawn, by its path; returns its headings. Raises TimeoutError when it takes longer than that."""
        message = BackMsg()
        message.rerun_script.page_name = page
        self._connection.send(message.SerializeToString())
        elements = [answer.delta.new_element for answer in self._answers(seconds)]
        return [element.heading.body for element in elements if element.HasField("heading")]

    def _answers(self, seconds: float) -> Iterator[ForwardMsg]:
        """What comes until the script has finished."""
        while True:
            answer = ForwardMsg()
            content = self._connection.recv(seconds)
            assert isinstance(content, bytes)
            answer.ParseFromString(content)
            yield answer
            if answer.WhichOneof("type") == "script_finished":
                return


@contextmanager
def session(url: str) -> Iterator[Session]:
    """A session with the app at this address, ended afterwards."""
    origin: Any = url
    address = f"{url.replace('http', 'ws', 1)}{STREAM}"
    with connect(address, origin=origin, max_size=None) as connection:
        yield Session(connection)
