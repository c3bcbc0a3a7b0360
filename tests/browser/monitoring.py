"""The Monitoring page in a browser: its parts, and what a person does with them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from backend import monitoring
from tests.browser.driving import await_drawn, button, metric

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_STILL = """mark => new Promise(resolve => {
    let last = "", frames = 0;
    const look = () => {
        const box = JSON.stringify(mark.getBoundingClientRect());
        frames = box === last ? frames + 1 : 0;
        last = box;
        frames > 20 ? resolve() : requestAnimationFrame(look);
    };
    look();
})"""


def visit(page: Page, source: monitoring.CaptureSource, **query: str) -> None:
    """Open the page on a source, and wait until it was read and drawn."""
    values = "".join(f"&{name}={quote(value)}" for name, value in query.items())
    page.goto(f"/monitoring?source={quote(source.url)}{values}")
    button(page, "Export").wait_for()  # the last of all
    chart(page, "histogram").locator(".barlayer .point").first.wait_for()
    await_drawn(page)


def chart(page: Page, name: str) -> Locator:
    return page.locator(f"[class*='st-key-monitoring-{name}-']")


def points(page: Page) -> Locator:
    return chart(page, "over_time").locator(".scatterlayer .point")


def drawer(page: Page) -> Locator:
    return page.get_by_role("dialog")


def click_first(marks: Locator) -> None:
    """Click the first mark of a chart, once it stays where it is; over it lies what takes the clicks for the chart."""
    mark = marks.first
    mark.scroll_into_view_if_needed()
    mark.evaluate(_STILL)
    mark.click(force=True)


def close(page: Page) -> None:
    """Close the drawer, and wait until the charts are drawn without what was clicked: anew, as others."""
    clicked = re.search(r"st-key-monitoring-over_time-\S+", chart(page, "over_time").get_attribute("class") or "")
    assert clicked is not None
    page.keyboard.press("Escape")
    drawer(page).wait_for(state="detached")
    page.locator(f".{clicked[0]}").wait_for(state="detached")
    await_drawn(page)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def draw_range(page: Page, first: float, last: float) -> None:
    """Draw over the bars below the chart, from one share of their width to another."""
    plot = chart(page, "traffic").locator(".nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + first * box["width"], y)
    page.mouse.down()
    for share in (first + (last - first) / 2, last):
        page.mouse.move(box["x"] + share * box["width"], y + 2, steps=4)
    page.mouse.up()


def said_range(page: Page) -> tuple[datetime, datetime]:
    """From when to when the chart says that it is."""
    said = page.get_by_text(re.compile(r"^From \d{4}-")).first.inner_text()
    start, end = (datetime.fromisoformat(f"{text}+00:00") for text in re.findall(r"\d{4}-\d\d-\d\d [\d:]{8}", said))
    return start, end


def await_records(page: Page, count: int) -> None:
    """Wait until the figure of the records is this."""
    metric(page, "Records").get_by_text(f"{count:,}", exact=True).wait_for()
    await_drawn(page)
