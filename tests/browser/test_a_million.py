"""The Monitoring page over a million records: each control once, and what it shows counted apart from the app."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from backend import monitoring
from backend.aws.environment import Environment
from tests.browser.driving import await_drawn, button, choose, metric
from tests.browser.monitoring import (
    await_records,
    chart,
    click_first,
    draw_range,
    drawer,
    said_range,
    visit,
)
from tests.browser.serving import Server
from tests.capture_lines import IMAGE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RECORDS = 1_000_000
FILES = 2_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
EACH = timedelta(seconds=5)
FIRST_READING = 600_000.0  # milliseconds
LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"image/png","mode":"INPUT","data":"%s","encoding":"BASE64"},'
    '"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT","data":"%s","encoding":"JSON"}},'
    '"eventMetadata":{"eventId":"%d","inferenceTime":"%s","inferenceId":"n-%d"},"eventVersion":"0"}\n'
)


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    """What the capture files hold: a record every five seconds, of two classes and two variants."""
    generator = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "time": pd.date_range(BEGIN, periods=RECORDS, freq=pd.Timedelta(EACH)),
            "confidence": np.maximum(np.round(1 - 0.5 * generator.random(RECORDS) ** 2, 4), 0.5001),  # never a draw
            "class_index": generator.integers(0, 2, RECORDS),
            "variant": np.where(np.arange(RECORDS) * FILES // RECORDS % 2, "green", "blue"),
        }
    )


@pytest.fixture(scope="module")
def folder(records: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("million")
    picture = base64.b64encode(IMAGE).decode()
    numbers = np.arange(RECORDS)
    for file, (_, some) in enumerate(records.groupby(numbers * FILES // RECORDS)):
        lines = []
        columns = (some[name].tolist() for name in ("confidence", "class_index", "time"))
        for number, (confidence, index, time) in enumerate(zip(*columns, strict=True), start=int(some.index[0])):
            pair = [confidence, round(1 - confidence, 4)][:: -1 if index else 1]
            lines.append(LINE % (picture, pair, number, f"{time:%Y-%m-%dT%H:%M:%SZ}", number))
        hour = folder / "theirs" / str(some["variant"].iloc[0]) / f"{some['time'].iloc[0]:%Y/%m/%d/%H}"
        hour.mkdir(parents=True, exist_ok=True)
        (hour / f"{file:06}.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    return survivor_server


@pytest.fixture(scope="module")
def source(survivor_environment: Environment, folder: Path) -> Iterator[monitoring.CaptureSource]:
    source = monitoring.add_source(survivor_environment, str(folder), ("ship", "truck"))
    yield source
    monitoring.remove_source(survivor_environment, source)


def inside(records: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    return records[(records["time"] >= start) & (records["time"] < end)]


def leave_drawer(page: Page) -> None:
    """Close what a click opened, and wait until the charts are drawn without that click."""
    before = chart(page, "histogram").element_handle()
    assert before is not None
    page.keyboard.press("Escape")
    drawer(page).wait_for(state="detached")
    before.wait_for_element_state("hidden")
    await_drawn(page)


def test_every_control(
    page: Page,
    other_page: Page,
    survivor_environment: Environment,
    source: monitoring.CaptureSource,
    records: pd.DataFrame,
) -> None:
    page.set_default_timeout(FIRST_READING)
    visit(page, source)
    await_records(page, RECORDS)
    page.set_default_timeout(30_000)

    number = page.get_by_role("spinbutton", name="Threshold to try")
    number.fill("0.93")
    number.press("Enter")
    metric(page, "What if 0.93").wait_for()
    await_drawn(page)
    passing = (records["confidence"] >= 0.93).mean()
    assert metric(page, "What if 0.93").inner_text() == f"{passing:.1%}"

    wall = page.locator("[class*='st-key-monitoring-wall-open-']").get_by_role("button")
    least = np.sort(records["confidence"])[:24]
    assert wall.all_inner_texts() == [f"{confidence:.3f}" for confidence in least]
    choose(page, "Newest rejects")
    rejects = records[records["confidence"] < 0.93]["confidence"].iloc[::-1][:24]
    wall.filter(has_text=f"{rejects.iloc[0]:.3f}").first.wait_for()
    await_drawn(page)
    assert wall.all_inner_texts() == [f"{confidence:.3f}" for confidence in rejects]

    for label, option, chosen in (
        ("Variant", "green", records[records["variant"] == "green"]),
        ("Predicted class", "truck", records[(records["variant"] == "green") & (records["class_index"] == 1)]),
    ):
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")  # scrolling closes what opens
        await_drawn(page)
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option, exact=True).click()
        await_records(page, len(chosen))

    draw_range(page, 0.30, 0.45)
    page.wait_for_url(re.compile("from=2024"))
    await_drawn(page)
    start, end = said_range(page)
    zoomed = inside(chosen, start, end)
    assert 0.1 < len(zoomed) / len(chosen) < 0.2
    await_records(page, len(zoomed))
    other_page.goto(page.url)
    await_records(other_page, len(zoomed))
    assert said_range(other_page) == (start, end)
    assert metric(other_page, "What if 0.93").inner_text() == metric(page, "What if 0.93").inner_text()

    least_sure = chart(page, "over_time").locator(".scatterlayer .points")  # of each class; bands have none
    click_first(least_sure.last.locator(".point").nth(5))
    drawer(page).get_by_text(re.compile("^Captured 2024-")).wait_for()
    await_drawn(page)
    opened = _captured(drawer(page).get_by_text(re.compile("^Captured 2024-")).inner_text())
    at = int(np.flatnonzero(zoomed["time"] == opened)[0])
    page.keyboard.press("ArrowRight")
    behind = zoomed["time"].iloc[at + 1]
    drawer(page).get_by_text(f"Captured {behind:%Y-%m-%d %H:%M:%S} UTC").wait_for()
    leave_drawer(page)

    click_first(chart(page, "histogram").locator(".barlayer .point path"))
    drawer(page).get_by_text(re.compile("^Confidences from 0.5")).wait_for()
    leave_drawer(page)

    button(page, "Export").click()
    with page.expect_download() as download:
        button(page, "Records, Parquet").click()
    exported = pd.read_parquet(io.BytesIO(download.value.path().read_bytes()))
    assert len(exported) == min(len(zoomed), monitoring.EXPORTED)
    assert list(exported["confidence"]) == list(zoomed["confidence"].iloc[-monitoring.EXPORTED :])
    assert list(exported["time"]) == list(zoomed["time"].iloc[-monitoring.EXPORTED :])
    selection = monitoring.Selection(start, end, variant="green", class_index=1)
    assert monitoring.summarize(survivor_environment, source, selection).records == len(zoomed)


def _captured(text: str) -> Any:
    """The time in "Captured 2024-01-02 03:04:05 UTC ..."."""
    return pd.Timestamp(text.split("Captured ")[1][:19], tz="UTC")
