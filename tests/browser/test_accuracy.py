"""The Accuracy page in a browser: labels of traffic, and a sample's way through the review queue and back."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from backend import ground_truth, monitoring, review
from backend.accuracy import Counted, realised
from backend.aws.environment import Environment
from tests.browser.driving import await_drawn, button, go_to, heading, metric
from tests.browser.serving import Server
from tests.capture_lines import capture_line

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LABELS = ("bicycle", "motorcycle")
BEGIN = datetime(2024, 5, 6, 7, 0, tzinfo=UTC)
RECORDS = 80
RNG = np.random.default_rng(8)
ANSWERED = RNG.integers(0, 2, RECORDS)
CONFIDENCE = RNG.uniform(0.55, 0.99, RECORDS).round(3)
TRUTH = np.where(RNG.random(RECORDS) < CONFIDENCE, ANSWERED, 1 - ANSWERED)


@dataclass(frozen=True)
class Captured:
    """A source of 80 records in two hours, those of the second of which are labelled as the traffic generator does."""

    environment: Environment
    source: monitoring.CaptureSource

    def address(self, hour: int) -> str:
        """The page on one of the two hours."""
        start, end = (BEGIN + timedelta(hours=hour + more) for more in (0, 1))
        times = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
        return f"/accuracy?source={quote(self.source.url)}&{times}&refresh=off"


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    return survivor_server


@pytest.fixture(scope="module")
def captured(survivor_environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    folder = tmp_path_factory.mktemp("accuracy")
    for number in range(RECORDS):
        write(folder, number)
    source = monitoring.add_source(survivor_environment, str(folder), LABELS)
    labels = {f"accuracy-{number}": LABELS[TRUTH[number]] for number in range(RECORDS // 2, RECORDS)}
    ground_truth.write_labels(survivor_environment, "traffic-1-00000", BEGIN, labels)
    yield Captured(survivor_environment, source)
    monitoring.remove_source(survivor_environment, source)


def write(folder: Path, number: int) -> None:
    """A capture file with one record: half of them in each hour, a minute apart."""
    time = BEGIN + timedelta(hours=number // (RECORDS // 2), minutes=number % (RECORDS // 2))
    answer = [1 - float(CONFIDENCE[number])] * 2
    answer[ANSWERED[number]] = float(CONFIDENCE[number])
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "PNG")
    line = capture_line(
        answer,
        f"{time:%Y-%m-%dT%H:%M:%SZ}",
        captureData__endpointInput__data=base64.b64encode(picture.getvalue()).decode(),
        eventMetadata__inferenceId=f"accuracy-{number}",
    )
    hour = folder / "theirs" / "AllTraffic" / f"{time:%Y/%m/%d/%H}"
    hour.mkdir(parents=True, exist_ok=True)
    (hour / f"{number:02}-00-000-a.jsonl").write_bytes(line)


def test_labels_of_traffic_tell_how_often_the_model_was_right(tab: Page, captured: Captured) -> None:
    tab.goto(captured.address(1))
    second = slice(RECORDS // 2, RECORDS)
    share = np.mean(ANSWERED[second] == TRUTH[second])
    metric(tab, "Realised accuracy").get_by_text(f"{share:.1%}", exact=True).wait_for()
    metric(tab, "Estimated accuracy").get_by_text("withheld", exact=True).wait_for()


def test_a_sample_is_labelled_and_tells_the_accuracy_of_its_window(tab: Page, captured: Captured) -> None:
    tab.goto(captured.address(0))
    metric(tab, "Realised accuracy").get_by_text("not known", exact=True).wait_for()
    images = tab.get_by_role("spinbutton", name="Images to label")
    images.fill("8")
    images.press("Enter")
    tab.get_by_text("8 labels of these 40 records").wait_for()
    await_drawn(tab)
    tab.get_by_role("link", name="Draw and label them").click()
    heading(tab, "Review").wait_for()
    tab.get_by_label("Your name").fill("Ada")
    tab.get_by_label("Your name").press("Enter")
    button(tab, "Start").click()
    for number in range(1, 9):
        tab.locator(f".st-key-review-label-{number}-0").wait_for()
        await_drawn(tab)
        tab.keyboard.press("1")
    tab.get_by_text("You are through").wait_for()
    [queue] = [queue for queue in review.list_queues(captured.environment) if queue.source == captured.source.url]
    assert (queue.kind, queue.start, queue.end) == (review.Kind.SAMPLE, BEGIN, BEGIN + timedelta(hours=1))
    expected = realised(all_bicycles(queue))
    go_to(tab, "Accuracy")
    metric(tab, "Realised accuracy").get_by_text(f"{expected.value:.1%}", exact=True).wait_for()
    tab.get_by_text(f"{expected.low:.1%} to {expected.high:.1%} with 95 % confidence, from 8 of 8 labels").wait_for()


def all_bicycles(queue: review.Queue) -> list[Counted]:
    """The strata where every picture is called a bicycle."""
    strata = []
    for place, stratum in enumerate(queue.strata):
        answers = [item.class_index for item in queue.items if item.stratum == place]
        strata.append(Counted(stratum.size, len(answers), answers.count(0), stratum.expected))
    return strata
