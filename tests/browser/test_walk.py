"""The whole way, as a person goes it who only chooses and clicks, from nothing to a monitored workflow and back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import SECOND, await_drawn, await_pictures, button, choose, go_to, heading, metric

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMAGES = 200  # in the test split of the offline sample, and of the real archive
MINUTE = 60 * SECOND


def stage(page: Page, archive: Path | None = None) -> None:
    """Stage an uploaded archive, or the offline sample."""
    page.goto("/")
    button(page, "Continue").click()
    heading(page, "Data staging").wait_for()
    choose(page, "Archive" if archive else "Offline sample")
    if archive:
        page.locator(".st-key-data_staging-upload input[type=file]").set_input_files(archive)
    else:  # the real archive has no other classes
        page.get_by_text("Other class", exact=True).click()
        page.get_by_text("There is no class for anything else").wait_for()
    button(page, "Stage images").click()
    page.get_by_text("The images are staged.").wait_for(timeout=3 * MINUTE)
    await_pictures(page)


def train(page: Page) -> None:
    go_to(page, "Training")
    button(page, "Start training").click()
    page.get_by_text("Completed").first.wait_for(timeout=20 * MINUTE)
    await_drawn(page)
    assert float(metric(page, "Validation accuracy").inner_text()) > 0.8


def deploy(page: Page) -> None:
    go_to(page, "Deployment")
    button(page, "Deploy model").click()
    page.get_by_text("InService").wait_for(timeout=2 * MINUTE)


def deploy_workflow(page: Page) -> None:
    go_to(page, "Workflow")
    button(page, "Deploy workflow").click()
    page.get_by_text("The workflow is deployed.").wait_for(timeout=2 * MINUTE)


def submit_all(page: Page) -> None:
    go_to(page, "Test images")
    choose(page, "All")
    button(page, f"Submit {IMAGES} images").click()
    page.get_by_text(f"{IMAGES} of {IMAGES} images went through the workflow.").wait_for(timeout=10 * MINUTE)


def watch(page: Page) -> None:
    """See a point for each image, and the image behind one."""
    go_to(page, "Monitoring")
    points = page.locator("[class*=st-key-monitoring-over_time] .scatterlayer .point")
    points.nth(IMAGES - 1).wait_for(timeout=2 * MINUTE)  # records are delivered some seconds later, and shown then
    await_drawn(page)
    assert points.count() == IMAGES
    points.first.click(force=True)
    page.locator("[class*=st-key-sharp-record] img").wait_for()
    page.locator("[class*=st-key-monitoring-bar] .barlayer .point").nth(1).wait_for()


def clean_up(page: Page) -> None:
    go_to(page, "Cleanup")
    every = page.get_by_role("button", name=re.compile(r"Delete all \d+"))
    every.click()
    page.get_by_test_id("stPopoverBody").get_by_role("button").click()
    page.get_by_text("Nothing is left.").wait_for(timeout=3 * MINUTE)


def test_from_nothing_to_a_monitored_workflow_and_back(page: Page) -> None:
    for step in (stage, train, deploy, deploy_workflow, submit_all, watch):
        step(page)
    go_to(page, "Overview")
    page.get_by_text("Every step is done.").wait_for()
    clean_up(page)
    go_to(page, "Overview")
    page.get_by_text("No images are staged.").wait_for()


def test_real_images_go_the_same_way(page: Page, real_archive: Path) -> None:
    stage(page, real_archive)
    for step in (train, deploy, deploy_workflow, submit_all, watch):
        step(page)
    go_to(page, "Overview")
    page.get_by_text("850 train and 200 test images of bicycle and motorcycle.").wait_for()
    page.get_by_text("Every step is done.").wait_for()
