"""The launcher: what a first visitor sees, where it listens, and what it leaves behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.browser.conftest import served, visited
from tests.browser.serving import STOP_SECONDS, Server, launch, serve
from tests.embedded_aws.sagemaker.scripted import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def kept_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody has visited before the first test, and that none ends before the last."""
    yield from served(tmp_path_factory.mktemp("kept"))


def test_a_deep_link_on_a_fresh_server_opens_its_page_and_no_dialog(browser: Browser, kept_server: Server) -> None:
    for page in visited(browser, kept_server):
        follow_deep_link(page)


def follow_deep_link(page: Page) -> None:
    page.goto("/data_staging")
    page.get_by_role("heading", name="Data staging").wait_for()
    page.get_by_text("No images are staged yet").wait_for()
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_text("Page not found").count() == 0


def test_every_listening_socket_is_on_the_loopback_address(kept_server: Server) -> None:
    launcher = psutil.Process(kept_server.process.pid)
    sockets = [
        connection
        for process in [launcher, *launcher.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {connection.laddr.ip for connection in sockets} == {"127.0.0.1"}
    assert len(sockets) >= 3  # the app's, MiniStack's and SageMaker's


def test_an_app_whose_output_nobody_reads_any_more_ends_in_order(server: Server) -> None:
    services = psutil.Process(server.process.pid).children(recursive=True)
    assert server.process.stdout is not None
    server.process.stdout.close()
    assert server.stop() == -signal.SIGTERM
    _gone, alive = psutil.wait_procs(services, timeout=10)
    assert alive == []


def test_an_app_that_is_told_to_end_while_it_starts_ends_in_order(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    kept = state_dir / "aws" / "secret"
    with launch(state_dir) as process:
        launcher = psutil.Process(process.pid)
        wait_until(lambda: process.poll() is not None or (launcher.children(recursive=True) and kept.exists()))
        assert process.poll() is None
        services = launcher.children(recursive=True)
        secret = kept.read_text()
        process.terminate()
        assert process.wait(STOP_SECONDS) == -signal.SIGTERM
    _gone, alive = psutil.wait_procs(services, timeout=STOP_SECONDS)
    assert alive == []
    assert processes_on(state_dir) == []
    server = serve(state_dir)
    assert server.stop() == -signal.SIGTERM
    assert kept.read_text() == secret


def test_ending_the_app_ends_the_embedded_aws(kept_server: Server) -> None:
    services = psutil.Process(kept_server.process.pid).children(recursive=True)
    assert services
    assert kept_server.stop() == -signal.SIGTERM
    _gone, alive = psutil.wait_procs(services, timeout=10)
    assert alive == []


def processes_on(state_dir: Path) -> list[str]:
    """The command lines of whatever runs on this folder."""
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(state_dir) in command]
