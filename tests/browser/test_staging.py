"""Data staging as a person goes through it: looking before and after, at one image, and at what is alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.backend.staging.archives import alike_members, write_archive
from tests.browser.driving import await_pictures, button, choose, heading, metric

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_an_archive_is_looked_into_staged_and_looked_through(page: Page, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "alike.tar.gz", alike_members())
    page.goto("/data_staging")
    choose(page, "Archive")
    page.get_by_label("Path").fill(str(archive))
    page.get_by_label("Path").press("Enter")
    button(page, "Look inside").click()
    page.get_by_text("12 train and 4 test images; 2 classes can be staged.").wait_for()
    await_pictures(page)
    button(page, "Stage images").click()
    page.get_by_text("The images are staged.").wait_for()
    assert metric(page, "Pairs of the same pixels").inner_text() == "2"
    choose(page, "test")
    await_pictures(page)
    page.locator(".st-key-data_staging-open-0 button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("test_0.png", exact=True).wait_for()
    dialog.get_by_text("Nearly the same:").wait_for()
    dialog.get_by_text("1 of 4").wait_for()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 of 4").wait_for()
    page.keyboard.press("ArrowRight")
    dialog.get_by_text("3 of 4").wait_for()
    await_pictures(page)
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    page.get_by_role("link", name="Next: Training").click()
    heading(page, "Training").wait_for()
