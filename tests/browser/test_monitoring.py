"""The Monitoring page, each of its controls used as a person does, on capture files of somebody else's endpoint."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd
import pytest

from backend import monitoring
from backend.aws.environment import Environment
from tests.browser.conftest import visited
from tests.browser.driving import await_drawn, button, choose, heading, metric
from tests.browser.monitoring import (
    await_records,
    chart,
    click_first,
    close,
    draw_range,
    drawer,
    points,
    query,
    said_range,
    visit,
)
from tests.browser.serving import Server
from tests.capture_lines import capture_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

BEGIN = datetime(2024, 3, 4, 5, 0, tzinfo=UTC)
RECORDS = 40
LABELS = ("ship", "truck", "plane")


@dataclass(frozen=True)
class Record:
    """One line of the capture files."""

    name: str
    time: datetime
    variant: str
    class_index: int
    confidence: float

    def line(self) -> bytes:
        others = (1 - self.confidence) / 2
        probabilities = [self.confidence if index == self.class_index else others for index in range(3)]
        return capture_line(probabilities, f"{self.time:%Y-%m-%dT%H:%M:%SZ}", eventMetadata__inferenceId=self.name)


def captured(number: int) -> Record:
    """Every three minutes one, of confidences from 0.50 to 0.89."""
    time = BEGIN + number * timedelta(minutes=3)
    return Record(f"record-{number}", time, ("blue", "green")[number % 2], number % 3, round(0.5 + number / 100, 2))


ALL = [captured(number) for number in range(RECORDS)]


def write_all(folder: Path) -> Path:
    for record in ALL:
        write(folder, record)
    return folder


def write(folder: Path, record: Record) -> None:
    """A capture file with this record alone."""
    hour = folder / "theirs" / record.variant / f"{record.time:%Y/%m/%d/%H}"
    hour.mkdir(parents=True, exist_ok=True)
    (hour / f"{record.time:%M-%S}-000-{record.name}.jsonl").write_bytes(record.line())


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    return survivor_server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All capture files, for a test that adds one."""
    return write_all(tmp_path)


@pytest.fixture
def source(survivor_environment: Environment, folder: Path) -> Iterator[monitoring.CaptureSource]:
    """That folder among the app's sources."""
    source = monitoring.add_source(survivor_environment, str(folder), LABELS)
    yield source
    monitoring.remove_source(survivor_environment, source)


@pytest.fixture(scope="module")
def kept(
    survivor_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[monitoring.CaptureSource]:
    """The same for all tests that only look."""
    source = monitoring.add_source(survivor_environment, str(write_all(tmp_path_factory.mktemp("kept"))), LABELS)
    yield source
    monitoring.remove_source(survivor_environment, source)


@pytest.fixture
def shown(tab: Page, kept: monitoring.CaptureSource) -> Page:
    """A tab with all of it: what a test before left there, if it left it as it was."""
    if not tab.url.endswith("/monitoring?source=" + quote(kept.url)) or drawer(tab).is_visible():
        visit(tab, kept)
    return tab


def inside(start: datetime, end: datetime) -> list[Record]:
    return [record for record in ALL if start <= record.time < end]


def test_a_point_leads_to_its_record_and_the_arrows_to_its_neighbors(shown: Page) -> None:
    page = shown
    click_first(points(page))
    drawer(page).get_by_text("Captured 2024-03-04 05:00:00 UTC").wait_for()
    assert metric(page, "Confidence").inner_text() == f"{ALL[0].confidence:.3f}"
    drawer(page).locator("[class*=st-key-sharp-record] img").wait_for()
    for key, record in (("ArrowRight", ALL[1]), ("ArrowRight", ALL[2]), ("ArrowLeft", ALL[1])):
        await_drawn(page)
        page.keyboard.press(key)
        drawer(page).get_by_text(f"Captured {record.time:%Y-%m-%d %H:%M:%S} UTC").wait_for()
    close(page)
    click_first(points(page))
    drawer(page).get_by_text("Captured 2024-03-04 05:00:00 UTC").wait_for()
    close(page)


@pytest.mark.slow  # tests/pages asserts what a bar leads to
def test_a_bar_leads_to_its_images_and_each_of_them_to_its_record(shown: Page) -> None:
    page = shown
    click_first(chart(page, "histogram").locator(".barlayer .point path"))
    drawer(page).get_by_text("Confidences from 0.5 to 0.51").wait_for()
    drawer(page).get_by_role("button", name="0.500", exact=True).click()
    drawer(page).get_by_text("Captured 2024-03-04 05:00:00 UTC").wait_for()
    button(page, "All images").click()
    drawer(page).get_by_text("Confidences from 0.5 to 0.51").wait_for()
    close(page)
    click_first(chart(page, "class_mix").locator(".barlayer .point path"))
    drawer(page).get_by_text(re.compile("^ship: From 2024-03-04 05:00:00")).wait_for()
    drawer(page).get_by_role("button", name="0.500", exact=True).wait_for()
    close(page)


def test_a_range_drawn_over_the_bars_is_looked_into_and_its_address_shows_others_the_same(
    tab: Page, kept: monitoring.CaptureSource
) -> None:
    page = tab
    visit(page, kept)
    await_records(page, RECORDS)
    draw_range(page, 0.25, 0.5)
    page.wait_for_url(re.compile("from=2024-03-04"))
    await_drawn(page)
    start, end = said_range(page)
    assert BEGIN < start < end < ALL[-1].time
    chosen = inside(start, end)
    assert 5 < len(chosen) < 15
    await_records(page, len(chosen))
    assert points(page).count() == len(chosen)

    with tab.context.new_page() as other:  # another session, in a browser that has the app already
        other.goto(page.url)
        await_records(other, len(chosen))
        assert said_range(other) == (start, end)

    chosen_range = page.get_by_text(f"From {start:%Y-%m-%d %H:%M:%S}")
    page.locator(".st-key-monitoring-out").get_by_role("button", name="zoom_out").click()
    chosen_range.wait_for(state="detached")
    await_drawn(page)
    page.wait_for_url(lambda url: query(page).get("from") != f"{start:%Y-%m-%dT%H:%M:%SZ}" and "from=" in url)
    assert len(inside(*said_range(page))) > len(chosen)
    choose(page, "All")
    await_records(page, RECORDS)


@pytest.mark.slow  # tests/pages asserts each of them
def test_the_ranges_filters_and_another_threshold(shown: Page) -> None:
    page = shown
    choose(page, "Hour")
    last_hour = [record for record in ALL if record.time > ALL[-1].time.replace(second=0) + timedelta(minutes=1 - 60)]
    await_records(page, len(last_hour))
    assert query(page)["range"] == "Hour"
    choose(page, "All")
    await_records(page, RECORDS)
    for label, option, chosen in (
        ("Variant", "green", [record for record in ALL if record.variant == "green"]),
        (
            "Predicted class",
            "plane",
            [record for record in ALL if record.variant == "green" and record.class_index == 2],
        ),
    ):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option, exact=True).click()
        await_records(page, len(chosen))
    assert (query(page)["variant"], query(page)["class"]) == ("green", "2")
    number = page.get_by_role("spinbutton", name="Threshold to try")
    number.fill("0.7")
    number.press("Enter")
    metric(page, "What if 0.7").wait_for()
    passing = sum(record.confidence >= 0.7 for record in chosen)
    assert metric(page, "What if 0.7").inner_text() == f"{passing / len(chosen):.1%}"
    chart(page, "pass_rate").locator(".barlayer .point").first.wait_for()


@pytest.mark.slow
def test_the_wall_shows_the_least_sure_or_some_by_lot(page: Page, source: monitoring.CaptureSource) -> None:
    visit(page, source)
    wall = page.locator("[class*='st-key-monitoring-wall-open-']").get_by_role("button")
    wall.first.wait_for()
    assert wall.all_inner_texts() == [f"{record.confidence:.3f}" for record in ALL[:24]]
    choose(page, "Random sample")
    await_drawn(page)
    drawn = wall.all_inner_texts()
    button(page, "Draw again").click()
    await_drawn(page)
    assert len(drawn) == 24
    assert set(drawn) | set(wall.all_inner_texts()) <= {f"{record.confidence:.3f}" for record in ALL}
    wall.first.click()
    drawer(page).get_by_text("Captured 2024-03-04").wait_for()


def test_what_is_exported_is_what_the_backend_has(
    tab: Page, survivor_environment: Environment, kept: monitoring.CaptureSource
) -> None:
    page, source = tab, kept
    visit(page, source, variant="blue")
    button(page, "Export").click()
    selection = monitoring.Selection(BEGIN, ALL[-1].time + timedelta(hours=1), variant="blue")
    exported = {}
    for label in ("Records, CSV", "Records, Parquet", "Steps of time, CSV", "Chart over time, HTML"):
        with page.expect_download() as download:
            button(page, label).click()
        exported[label] = download.value.path().read_bytes()
    assert exported["Records, CSV"] == monitoring.export(survivor_environment, source, selection, "csv")
    frame = pd.read_parquet(io.BytesIO(exported["Records, Parquet"]))
    blue = [record for record in ALL if record.variant == "blue"]
    assert list(frame["inference_id"]) == [record.name for record in blue]
    assert list(frame["confidence"]) == [record.confidence for record in blue]
    steps = pd.read_csv(io.BytesIO(exported["Steps of time, CSV"]))
    assert steps["records"].sum() == len(blue)
    assert {"share of ship", "share of truck", "share of plane"} <= set(steps.columns)
    assert b"Plotly.newPlot" in exported["Chart over time, HTML"]


def test_what_comes_is_shown_by_itself_and_nothing_that_is_looked_at_moves(
    tab: Page, folder: Path, source: monitoring.CaptureSource
) -> None:
    page = tab
    visit(page, source)
    page.locator("[class*='st-key-monitoring-wall-open-']").get_by_role("button").first.wait_for()
    click_first(points(page))
    drawer(page).get_by_text("Captured 2024-03-04 05:0").wait_for()
    await_drawn(page)
    main = page.get_by_test_id("stMain")
    main.evaluate("element => element.scrollTo(0, 400)")
    before = main.evaluate("element => element.scrollTop")
    write(folder, Record("late", ALL[-1].time + timedelta(minutes=3), "blue", 0, 0.95))
    await_records(page, RECORDS + 1)
    assert main.evaluate("element => element.scrollTop") == before
    assert drawer(page).get_by_text("Captured 2024-03-04 05:0").is_visible()


@pytest.mark.slow
def test_a_page_that_does_not_refresh_lists_everything_again_when_asked_to(
    page: Page, folder: Path, source: monitoring.CaptureSource
) -> None:
    visit(page, source)
    page.get_by_text("Auto-refresh").click()
    page.wait_for_url(re.compile("refresh=off"))
    await_drawn(page)
    write(folder, Record("late", ALL[-1].time + timedelta(minutes=3), "blue", 0, 0.95))
    page.locator(".st-key-monitoring-refresh").get_by_role("button", name="refresh").click()
    await_records(page, RECORDS + 1)


@pytest.mark.slow
def test_a_folder_is_added_named_and_removed(page: Page, survivor_environment: Environment, folder: Path) -> None:
    before = monitoring.list_sources(survivor_environment)
    page.goto("/monitoring")
    heading(page, "Monitoring").wait_for()
    await_drawn(page)
    button(page, "Sources").click()
    page.get_by_role("textbox", name="Add a source").fill(str(folder))
    button(page, "Add source").click()
    await_records(page, RECORDS)
    page.get_by_role("textbox", name="Classes of this source").fill("ship, truck, plane")
    button(page, "Name classes").click()
    chart(page, "over_time").get_by_text("plane").wait_for()
    after = monitoring.list_sources(survivor_environment)
    assert [source.labels for source in after if source not in before] == [LABELS]
    await_drawn(page)
    button(page, "Remove source").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Remove source").last.click()
    await_records(page, 8)  # the project's own
    assert monitoring.list_sources(survivor_environment) == before


@pytest.fixture
def narrow(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab of a visitor with a small window."""
    for page in visited(browser, server):
        page.set_viewport_size({"width": 800, "height": 900})
        yield page


@pytest.mark.slow
def test_nothing_is_wider_than_a_small_window(narrow: Page, source: monitoring.CaptureSource) -> None:
    visit(narrow, source)
    main = narrow.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
