"""Charts in the browser: what a click on a point shows, and that texts can be read."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import await_drawn, go_to, heading, metric
from tests.browser.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    return survivor_server


@pytest.fixture
def page(tab: Page) -> Page:
    """One tab for all tests here."""
    return tab


def overlap(one: FloatRect, other: FloatRect, gap: float = 0) -> bool:
    """Whether two boxes cover one another, or stand closer side by side than the gap."""
    return (
        one["x"] < other["x"] + other["width"] + gap
        and other["x"] < one["x"] + one["width"] + gap
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


@pytest.mark.slow  # test_monitoring.py clicks on a point too, and tests/pages asserts what is shown then
def test_a_click_on_a_point_shows_its_image_its_probabilities_and_its_execution(page: Page) -> None:
    go_to(page, "Monitoring")
    point = page.locator(".scatterlayer .point").first
    point.wait_for()
    await_drawn(page)
    point.click(force=True)  # points may lie over one another
    page.get_by_text("Captured 20").wait_for()
    picture = page.locator("[class*=st-key-sharp-record] img")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") == 32
    bars = page.locator("[class*=st-key-monitoring-bar] .barlayer .point")
    bars.nth(1).wait_for()
    assert bars.count() == 2
    confidence = float(metric(page, "Confidence").inner_text())
    assert 0.5 <= confidence <= 1
    link = page.get_by_test_id("stPageLink").get_by_role("link", name="Execution")
    name = link.inner_text().split()[-1]
    link.click()
    heading(page, "Test images").wait_for()
    page.get_by_role("heading", name=name).wait_for()


def test_the_transitions_names_stand_apart(page: Page) -> None:
    go_to(page, "Workflow")
    names = page.locator(".graph .edge text")
    names.first.wait_for()
    boxes = [box for box in (name.bounding_box() for name in names.all()) if box]
    assert len(boxes) == 7  # three errors, and both ways on from each of the two choices
    assert not any(overlap(*pair, gap=4) for pair in combinations(boxes, 2))


def test_the_thresholds_name_does_not_cover_a_bar(page: Page) -> None:
    go_to(page, "Test images")
    page.locator(".barlayer .point").first.wait_for()
    await_drawn(page)
    note = page.locator(".annotation-text").get_by_text("threshold")
    text = note.bounding_box()
    assert text is not None
    for bar in page.locator(".barlayer .point path").all():
        box = bar.bounding_box()
        assert box is not None
        assert not overlap(text, box)
