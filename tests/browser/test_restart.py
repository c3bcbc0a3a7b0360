"""After SIGKILL of every process of the app, the next start on the same folder shows all that was there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Survivor
from tests.browser.driving import SECOND, await_drawn, button, choose, go_to, metric
from tests.browser.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    return survivor_server


@pytest.fixture
def page(tab: Page) -> Page:
    """One tab for all tests here."""
    return tab


def test_services_and_workers_were_killed_with_the_launcher(survivor: Survivor) -> None:
    assert len(survivor.killed) >= 5  # the launcher, the supervisor, both services, and what serves or runs Lambdas


def test_the_images_are_there(page: Page, survivor: Survivor) -> None:
    go_to(page, "Data staging")
    page.get_by_text(survivor.figures["source"]).wait_for()
    page.get_by_test_id("stMain").locator("img").first.wait_for()


def test_the_model_is_there(page: Page, survivor: Survivor) -> None:
    go_to(page, "Training")
    page.get_by_role("heading", name=survivor.figures["training_job"]).wait_for()
    metric(page, "Validation accuracy").filter(has_text=f"{survivor.figures['validation_accuracy']:.3f}").wait_for()


def test_the_endpoint_is_in_service(page: Page, survivor: Survivor) -> None:
    go_to(page, "Deployment")
    page.get_by_text("InService").wait_for(timeout=60 * SECOND)
    page.get_by_text(survivor.figures["training_job"]).first.wait_for()


def test_the_workflow_is_there(page: Page, survivor: Survivor) -> None:
    go_to(page, "Workflow")
    page.get_by_text("CREATE_COMPLETE").first.wait_for()
    assert page.get_by_role("spinbutton", name="Threshold").input_value() == f"{survivor.figures['threshold']:.2f}"


def test_the_executions_are_there(page: Page, survivor: Survivor) -> None:
    go_to(page, "Test images")
    for outcome, count in survivor.figures["outcomes"].items():
        page.get_by_role("radio", name=f"{outcome} ({count})").wait_for()


def test_the_captures_are_there(page: Page, survivor: Survivor) -> None:
    go_to(page, "Monitoring")
    metric(page, "Records").filter(has_text=str(survivor.figures["captured_records"])).wait_for()


def test_a_test_image_goes_through_and_its_verdict_comes_first(page: Page) -> None:
    go_to(page, "Deployment")
    page.get_by_text("InService").wait_for(timeout=60 * SECOND)
    go_to(page, "Test images")
    count = page.get_by_role("spinbutton", name="How many")
    count.fill("1")
    count.press("Enter")
    button(page, "Submit 1 image").click()
    page.get_by_text("1 of 1 images went through the workflow.").wait_for(timeout=60 * SECOND)
    verdict = page.locator("[class*=st-key-submitted-answer]")
    metric(page, "Predicted").first.wait_for()
    verdict.wait_for()
    assert not page.get_by_role("spinbutton", name="How many").is_visible()  # what was submitted is what is shown


def test_a_batch_goes_through_and_is_listed(page: Page) -> None:
    page.get_by_text("Submit images").click()
    choose(page, "All")
    button(page, "Submit 8 images").click()
    page.get_by_text("8 of 8 images went through the workflow.").wait_for(timeout=60 * SECOND)
    metric(page, "Ended").filter(has_text="8 of 8").wait_for()
    page.get_by_text("Of 8 images whose class is known and that got an answer").wait_for()
    choose(page, "Batches")
    page.get_by_role("heading", name="All test images").wait_for()


def test_executions_are_found_by_name(page: Page, survivor: Survivor) -> None:
    choose(page, "Executions")
    executions = survivor.figures["executions"] + 1 + 8
    page.get_by_text(f"These figures are of all {executions} executions").wait_for()
    await_drawn(page)
    name = page.get_by_role("textbox", name="Name")
    name.fill("no such name")
    name.press("Enter")
    page.get_by_text("No execution meets these filters.").wait_for()
    name.fill("-00000")  # the first image of this batch, and of the pipeline's
    name.press("Enter")
    page.get_by_text(f"These figures are of the 2 of {executions} executions").wait_for()
