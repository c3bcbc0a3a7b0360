"""The endpoint's life in the browser: deployed, tried, a challenger beside it, promoted, rolled back, deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend import foundation, staging, training
from backend.aws.environment import open_environment
from backend.settings import Settings
from tests.browser.driving import SECOND, await_drawn, await_pictures, button, go_to, heading, metric
from tests.browser.serving import PROJECT, Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 120 * SECOND


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The app with a model that was trained, and no endpoint."""
    server = serve(tmp_path / "state")
    project = open_environment(Settings(environment="embedded", state_dir=tmp_path / "state", project=PROJECT))
    foundation.deploy_foundation(project)
    source = staging.OfflineSample(38, 4)
    dataset = staging.stage_dataset(project, source, ("bicycle", "motorcycle"), other=None)
    job = training.start_training(project, dataset, training.TrainingOptions(epochs=1))
    training.wait_for_training(project, job)
    yield server
    if server.process.poll() is None:
        server.stop()


def fold(page: Page, title: str) -> Locator:
    """A part of the page that unfolds, open."""
    part = page.get_by_test_id("stExpander").filter(has=page.locator("summary").get_by_text(title, exact=True))
    if part.locator("details[open]").count() == 0:
        part.locator("summary").click()
    return part


def done(page: Page, text: str) -> None:
    """Wait until the change has come about, and nothing is drawn any more."""
    page.get_by_text(text).wait_for(timeout=PATIENCE)
    page.get_by_text("InService").wait_for(timeout=PATIENCE)
    await_drawn(page)


def test_an_endpoint_is_deployed_tried_challenged_rolled_back_and_deleted(page: Page) -> None:
    page.goto("/deployment")
    heading(page, "Deployment").wait_for()
    button(page, "Deploy model").click()
    done(page, "The model is deployed.")
    page.get_by_text("Next: Workflow").wait_for()

    fold(page, "Try it with one picture")
    await_pictures(page)
    button(page, "Ask the endpoint").click()
    metric(page, "Variant").get_by_text("AllTraffic").wait_for()
    assert metric(page, "Answer").inner_text() in ("bicycle", "motorcycle")
    assert 0.5 <= float(metric(page, "Confidence").inner_text()) <= 1
    page.locator("[class*=st-key-deployment-trial] .barlayer .point").nth(1).wait_for()

    fold(page, "Two models side by side")
    button(page, "Add challenger").click()
    done(page, "The challenger is beside the champion.")
    button(page, "Promote").click()
    done(page, "The challenger serves alone.")
    lineage = page.locator("[class*=st-key-deployment-lineage]")
    lineage.get_by_text(re.compile(r"/challenger-[\d-]+/")).wait_for()

    history = fold(page, "Earlier configurations")
    await_drawn(page)
    table = history.get_by_test_id("stDataFrame")
    box = table.bounding_box()
    assert box is not None
    table.click(position={"x": 15, "y": box["height"] - 15})  # the oldest one's row: a canvas has no elements
    await_drawn(page)
    button(page, "Roll back to this").click()
    done(page, "again.")
    lineage.get_by_text("/AllTraffic/").wait_for()

    page.get_by_role("button", name="Delete endpoint").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button").click()
    page.get_by_text("The endpoint is deleted.").wait_for(timeout=PATIENCE)
    page.get_by_text("No endpoint is deployed yet.").wait_for()
    go_to(page, "Overview")
    page.get_by_text("No endpoint is deployed.").wait_for()
