"""Alerts in a browser: a rule is made, and alarms while nobody looks; whoever comes next is told on every page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend import foundation, workflow
from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from tests.backend.alerts.conftest import Record, capture
from tests.browser.conftest import served, visited
from tests.browser.driving import await_drawn, button, go_to, heading
from tests.browser.serving import PROJECT, Server
from tests.embedded_aws.sagemaker.scripted import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An app that evaluates every second."""
    monkeypatch.setenv("SCONES_ALERTS_SECONDS", "1")
    yield from served(tmp_path / "state")


@pytest.fixture
def project(watching: Server, tmp_path: Path) -> Environment:
    """Its project, with a topic, and nothing captured in the last three hours."""
    opened = open_environment(Settings(environment="embedded", state_dir=tmp_path / "state", project=PROJECT))
    foundation.deploy_foundation(opened)
    capture(opened, [Record(datetime.now(UTC) - timedelta(hours=3), [0.9, 0.1])])
    return opened


def test_a_rule_alarms_while_nobody_looks_and_every_page_says_so(
    browser: Browser, watching: Server, project: Environment
) -> None:
    for page in visited(browser, watching):
        make_a_rule(page)

    def is_told() -> bool:
        inbox = workflow.read_inbox(project)
        assert inbox is not None
        return [one.subject for one in inbox.notifications] == ["Scones Unlimited: ALARM: Silence"]

    wait_until(is_told)
    for page in visited(browser, watching):
        follow_the_badge(page)


def make_a_rule(page: Page) -> None:
    page.goto("/")
    await_drawn(page)
    go_to(page, "Alerts")
    page.get_by_text("There is no rule yet.").wait_for()
    page.get_by_text("New rule", exact=True).click()
    page.get_by_role("combobox", name="Figure").click()
    page.get_by_role("option", name="Silence", exact=True).click()
    page.get_by_text("1 alarm").wait_for()
    await_drawn(page)
    button(page, "Save rule").click()
    page.get_by_text("In ALARM if: Silence above 60 minutes in 1 of 1 period of 5 min.").wait_for()


def follow_the_badge(page: Page) -> None:
    page.goto("/training")
    heading(page, "Training").wait_for()
    page.get_by_test_id("stSidebar").get_by_role("link", name="1 in ALARM").click()
    heading(page, "Alerts").wait_for()
    page.get_by_text("ALARM", exact=True).first.wait_for()
    page.get_by_text("History: 1 change").wait_for()
    await_drawn(page)
