"""Chromium, and the app to drive in it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from backend.aws.environment import Environment, open_environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample
from backend.training import TrainingOptions
from tests.browser.serving import PROJECT, Server, serve
from tests.machine import two_at_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP evil.test 127.0.0.1",  # as a stranger's name server would
]
_SAVE_SECONDS = 30.0
_PATIENCE = 120_000.0  # milliseconds: where others need the cores, a page takes many times its seconds


@dataclass(frozen=True)
class Survivor:
    """A state folder whose app was killed when everything existed: the pipeline's figures, and what was killed."""

    state_dir: Path
    figures: dict[str, Any]
    killed: list[str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited yet, with an embedded AWS that is empty."""
    yield from served(tmp_path / "state")


@pytest.fixture(scope="session")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """A served project with 8 test images that went through the workflow; then SIGKILL for every process of it.

    The kill comes once the end of the executions is on the disk: what is from seconds before it may be lost.
    """
    state_dir, cache_dir = tmp_path_factory.mktemp("survivor"), tmp_path_factory.mktemp("cache")
    server = serve(state_dir)
    try:
        options = PipelineOptions(OfflineSample(38, 4), other=None, training=TrainingOptions(epochs=1), threshold=0.6)
        with two_at_once():
            figures = run_pipeline(_attached(state_dir, cache_dir), options)
        _await_saved(state_dir)
    finally:
        killed = server.kill_all()
    return Survivor(state_dir, figures, killed)


@pytest.fixture(scope="session")
def survivor_server(survivor: Survivor) -> Iterator[Server]:
    """The app started again on the survivor's folder, for all that look at what is there."""
    yield from served(survivor.state_dir)


@pytest.fixture(scope="session")
def survivor_environment(survivor: Survivor, survivor_server: Server) -> Environment:
    """The survivor's project, with what the app keeps of it."""
    return open_environment(Settings(environment="embedded", state_dir=survivor.state_dir, project=PROJECT))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; the tests that need it are skipped where there is none.

    Not for the whole run: Playwright keeps an event loop going in this thread, which other tests need free.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("no chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab of a new visitor, in whose console there must be no error at the end."""
    yield from visited(browser, server)


@pytest.fixture(scope="module")
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    """A visitor's tab for a module whose tests have a server in common; they go from page to page by the sidebar."""
    yield from opened(browser, server)


@pytest.fixture
def other_page(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab of another visitor at the same time."""
    yield from visited(browser, server)


def served(state_dir: Path) -> Iterator[Server]:
    """The app on this folder, until the test is over."""
    server = serve(state_dir)
    yield server
    if server.process.poll() is None:
        server.stop()


def opened(browser: Browser, server: Server) -> Iterator[Page]:
    """A visitor's tab in which the app is loaded already."""
    for page in visited(browser, server):
        page.goto("/")
        yield page


def visited(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab of a visitor of its own, for as long as it is needed; to load the app takes the browser seconds of CPU."""
    context: BrowserContext = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.extend(_errors(message)))
    page.on("pageerror", lambda error: messages.append(str(error)))
    yield page
    context.close()
    assert messages == []


def _errors(message: ConsoleMessage) -> list[str]:
    """An error's text; Streamlit asks for what it finds elsewhere when a link leads deep into an app."""
    is_error = message.type == "error" and "/_stcore/" not in message.location["url"]
    return [message.text] if is_error else []


def _await_saved(state_dir: Path) -> None:
    saved = state_dir / "aws" / "ministack" / "state" / "stepfunctions.json"
    deadline = time.monotonic() + _SAVE_SECONDS
    while '"status": "RUNNING"' in saved.read_text():
        assert time.monotonic() < deadline, "the end of the executions was not saved in time"
        time.sleep(0.1)


def _attached(state_dir: Path, cache_dir: Path) -> Environment:
    """The served project, with a cache of its own: the app's belongs to the app."""
    settings = Settings(environment="embedded", state_dir=state_dir, project=PROJECT)
    return replace(open_environment(settings), settings=settings.model_copy(update={"state_dir": cache_dir}))
