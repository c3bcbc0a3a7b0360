"""Finding one's way in the app, as a person does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SECOND = 1000.0
"""Playwright counts in milliseconds."""


def go_to(page: Page, title: str) -> None:
    """Go to a page by the sidebar, and wait until it is drawn."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    heading(page, title).wait_for()
    await_drawn(page)


def heading(page: Page, title: str) -> Locator:
    return page.get_by_role("heading", name=title, level=1)


def await_drawn(page: Page) -> None:
    """Wait until no script runs: everything is where it will stay."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def await_pictures(page: Page) -> None:
    """Wait until every picture is loaded: Streamlit forgets those of a page that is left, and the browser may ask."""
    await_drawn(page)
    page.get_by_test_id("stSkeleton").first.wait_for(state="detached")  # where there will be some
    page.locator("img").evaluate_all("images => Promise.all(images.map(image => image.decode().catch(() => null)))")


def choose(page: Page, option: str) -> None:
    """Choose one of the options that stand side by side."""
    page.get_by_role("radio", name=option, exact=True).click()
    page.get_by_role("radio", name=option, exact=True, checked=True).wait_for()


def button(page: Page, label: str) -> Locator:
    """The button of this label that can be clicked."""
    return page.get_by_role("button", name=label, exact=True, disabled=False)


def metric(page: Page, label: str) -> Locator:
    """The figure with this label; while a page is drawn anew, what was there before may stand beside it."""
    current = page.locator('[data-testid="stElementContainer"][data-stale="false"]')
    return current.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")
