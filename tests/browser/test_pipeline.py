"""The whole pipeline at one press, with the browser open; gone on with after SIGKILL of every process of the app."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend.aws.environment import open_environment
from backend.settings import Settings
from tests.browser.conftest import served, visited
from tests.browser.driving import SECOND, await_drawn, button, choose, heading, metric
from tests.browser.serving import PROJECT, Server, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTE = 60 * SECOND
IMAGES = 350  # 100 of each class in the sample's test split, and half as many again of what is neither


def press(page: Page, label: str) -> None:
    page.goto("/")
    page.get_by_text("Run the whole pipeline", exact=True).first.click()
    if label == "Run the whole pipeline":
        choose(page, "Offline sample")
    button(page, label).click()


def await_monitoring(page: Page) -> None:
    """Where a run ends, for whoever watches it, with a record for each of its images."""
    heading(page, "Monitoring").wait_for(timeout=15 * MINUTE)
    metric(page, "Records").filter(has_text=str(IMAGES)).wait_for(timeout=2 * MINUTE)
    await_drawn(page)


def test_at_one_press_to_the_captured_confidences(
    page: Page, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """How long it took is printed, and kept in a report: on two quiet cores, three minutes to the first verdict."""
    press(page, "Run the whole pipeline")
    pressed = time.monotonic()
    page.get_by_text(re.compile(rf"[1-9]\d* of {IMAGES} images")).first.wait_for(timeout=15 * MINUTE)
    first_verdict = time.monotonic() - pressed
    await_monitoring(page)
    for name, seconds in {"first_verdict": first_verdict, "monitoring": time.monotonic() - pressed}.items():
        record_testsuite_property(f"pipeline_seconds_to_{name}", round(seconds, 1))
        print(f"{seconds:.1f} s from the press to {name}")


def test_a_killed_run_goes_on_and_sends_no_image_twice(browser: Browser, tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    first = serve(state_dir)
    killed = kill_while(browser, first, r"Epoch \d+ of \d+ is done")
    assert len(killed) >= 4  # the launcher, the supervisor and both services
    for server in served(state_dir):
        kill_while(browser, server, rf"[1-9]\d* of {IMAGES} images", go_on=True)
    for server in served(state_dir):
        for page in visited(browser, server):
            press(page, "Go on with the last run")
            await_monitoring(page)
        settings = Settings(environment="embedded", state_dir=state_dir, project=PROJECT)
        project = open_environment(settings)
        pages = project.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=project.names.state_machine_arn
        )
        names = [item["name"] for answer in pages for item in answer["executions"]]
        assert IMAGES <= len(names) <= IMAGES + 8  # those that were under way when everything was killed ran again


def kill_while(browser: Browser, server: Server, words: str, *, go_on: bool = False) -> list[str]:
    """SIGKILL for every process of the app once these words are shown; returns what was killed."""
    for page in visited(browser, server):
        press(page, "Go on with the last run" if go_on else "Run the whole pipeline")
        page.get_by_text(re.compile(words)).first.wait_for(timeout=15 * MINUTE)
        page.goto("about:blank")  # a page that is left tells no error
        return server.kill_all()
    raise AssertionError
