"""Strangers' archives in the served app: whoever else uses it gets answers while they are read."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from tests.backend.web.session import Session, session
from tests.bombs.archives import BOMBS
from tests.browser.driving import SECOND, await_drawn, button, choose, heading
from tests.browser.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 2.0
"""Within which an answer comes."""
MOST_SECONDS = 10.0
"""The same for each, on a machine that has more to do."""
CHOSEN = ("300 MB of zeros", "a long name said often", "deep tuples", "marks", "nothings remembered", "20,000 headers")
"""Those that take longest, and one of another kind."""


@dataclass
class Answers:
    """What another visitor asks again and again, with the seconds of each answer."""

    request: Callable[[], object]
    seconds: list[float] = field(default_factory=list)
    during_reading: int = 0
    """Answers that came between begin and end of one archive's reading."""

    def keep_asking(self, server: Server, end: threading.Event) -> None:
        while not end.is_set():
            reader, began = reader_of(server), time.monotonic()
            self.request()
            self.seconds.append(time.monotonic() - began)
            self.during_reading += reader is not None and reader == reader_of(server)


def test_the_app_answers_another_visitor_while_bombs_are_read(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto("/data_staging")
    heading(page, "Data staging").wait_for()
    choose(page, "Archive")
    with session(server.url) as visitor:
        visitor.visit("data_staging", 30)
        with asked_meanwhile(server, visitor) as answers:
            for number, name in enumerate(CHOSEN):
                stage(page, BOMBS[name](), tmp_path / f"bomb-{number}.tar.gz")
    for asked in answers:
        assert asked.during_reading > 0
        assert median(asked.seconds) < SECONDS
        assert max(asked.seconds) < MOST_SECONDS


def stage(page: Page, content: bytes, path: Path) -> None:
    """Choose an archive on the page, stage it, and see it refused."""
    path.write_bytes(content)
    page.get_by_label("Path").fill(str(path))
    page.get_by_label("Path").press("Enter")
    await_drawn(page)
    button(page, "Stage images").click()
    page.get_by_text(re.compile("CIFAR-100's .?Python version.*unchanged")).wait_for(timeout=60 * SECOND)
    dismiss = page.locator("[class*=st-key-staging-dismiss] button").first
    dismiss.click()
    dismiss.wait_for(state="detached")


@contextmanager
def asked_meanwhile(server: Server, visitor: Session) -> Iterator[tuple[Answers, Answers]]:
    """Another visitor's page, and the path that says whether the app is well."""
    health = Answers(lambda: requests.get(f"{server.url}/_stcore/health", timeout=MOST_SECONDS).raise_for_status())
    drawn = Answers(lambda: visitor.visit("data_staging", MOST_SECONDS))
    end = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(answers.keep_asking, server, end) for answers in (health, drawn)]
        try:
            yield health, drawn
        finally:
            end.set()
        for task in asking:
            task.result()


def reader_of(server: Server) -> int | None:
    """The process that reads an archive for the app now."""
    for process in psutil.Process(server.process.pid).children():
        try:
            if "backend.staging.reader" in process.cmdline():
                return process.pid
        except psutil.Error:
            continue
    return None
