"""The app as it is started, once open to everybody of this machine and once with its token."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.browser.serving import launch


@dataclass(frozen=True)
class Served:
    """A served app's port, and its token if it has one."""

    port: int
    token: str = ""


@dataclass(frozen=True)
class Lookups:
    """Where every request ends that the app makes to another machine."""

    listener: socket.socket

    def made(self) -> bool:
        """Whether the app has asked another machine for something."""
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="session")
def lookups() -> Iterator[Lookups]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Lookups(listener)


@pytest.fixture(scope="session")
def open_app(tmp_path_factory: pytest.TempPathFactory, lookups: Lookups) -> Iterator[Served]:
    """The app on a laptop, without a token; what it asks of other machines goes to `lookups`."""
    elsewhere = f"http://127.0.0.1:{lookups.listener.getsockname()[1]}"
    settings = {"http_proxy": elsewhere, "https_proxy": elsewhere, "no_proxy": "127.0.0.1,localhost"}
    yield from _served(tmp_path_factory, settings | {"SCONES_ACCESS": "auto"})


@pytest.fixture(scope="session")
def closed_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app with a token that it made, which stands nowhere in what it says later."""
    yield from _served(tmp_path_factory, {"SCONES_ACCESS": "token"})


def _served(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        process = launch(tmp_path_factory.mktemp("state"))
    assert process.stdout is not None
    line = next(line for line in process.stdout if "http://127.0.0.1:" in line)
    found = re.search(r"http://127\.0\.0\.1:(\d+)/(?:\?token=([\w-]+))?\s", line)
    try:
        assert found is not None, line
        served = Served(int(found[1]), found[2] or "")
        yield served
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert not served.token or served.token not in rest
