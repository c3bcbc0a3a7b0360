"""From images with a class for anything else to a threshold that keeps a promise, and a foreign picture named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import await_drawn, await_pictures, button, choose, go_to, metric
from tests.browser.test_walk import MINUTE, deploy, deploy_workflow, stage, train
from tests.conftest import SHARED_DATA

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROMISE = 90.0  # percent right among those passed
PICTURES = 12


@pytest.fixture
def archive_with_others() -> Path:
    """Real bicycles and motorcycles, with the images of four more classes."""
    path = SHARED_DATA / "cifar-100-bikes-and-others.tar.gz"
    if not path.exists():
        pytest.skip(f"real data is not here: {path.name} is not part of the project")
    return path


def evaluate(page: Page, pictures: Path) -> None:
    go_to(page, "Evaluation")
    page.get_by_role("textbox", name="Folder of pictures").fill(str(pictures))
    page.keyboard.press("Enter")
    await_drawn(page)
    page.locator(".st-key-evaluation-run button").click()
    page.get_by_text(re.compile(r"is evaluated on \d+ images")).wait_for(timeout=5 * MINUTE)
    await_drawn(page)


def promise(page: Page) -> float:
    """Take the threshold that keeps the promise, and hand it to the workflow; returns it."""
    page.get_by_role("tab", name="Threshold").click()
    target = page.get_by_role("spinbutton", name="At least so many right")
    target.fill(f"{PROMISE:g}")
    target.press("Enter")
    await_drawn(page)
    kept = page.get_by_text(re.compile(rf"With 95 % confidence at least {PROMISE:g} % are right"))
    kept.wait_for()
    found = re.search(r"at the threshold ([0-9.]+)\. It passes", kept.inner_text())
    assert found is not None
    button(page, "Take this threshold").click()
    await_drawn(page)
    button(page, "Change the workflow's threshold").click()
    page.get_by_text("The workflow's threshold is changed.").wait_for(timeout=2 * MINUTE)
    return float(found[1])


def test_a_threshold_with_a_promise_and_a_foreign_picture(
    page: Page, archive_with_others: Path, other_images: Path
) -> None:
    stage(page, archive_with_others)
    for step in (train, deploy, deploy_workflow):
        step(page)
    evaluate(page, other_images)
    threshold = promise(page)
    await_pictures(page)
    go_to(page, "Workflow")
    assert float(page.get_by_role("spinbutton", name="Threshold").input_value()) == pytest.approx(threshold, abs=0.005)
    go_to(page, "Test images")
    choose(page, "Upload")
    pictures = sorted(other_images.glob("cat/*.jpg"))[:PICTURES]
    page.locator("input[type=file]").set_input_files(pictures)
    button(page, f"Submit {PICTURES} images").click()
    page.get_by_text(f"{PICTURES} of {PICTURES} images went through the workflow.").wait_for(timeout=2 * MINUTE)
    await_drawn(page)
    page.get_by_text(re.compile(r"^not a known class \(\d+\)$")).click()
    await_drawn(page)
    page.locator(".stMarkdownBadge").filter(has_text="not a known class").first.wait_for()
    assert metric(page, "Predicted").inner_text() == "other"
