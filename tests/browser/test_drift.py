"""Drift in the running app: five thousand real pictures without one raise no alarm, and noise soon does."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from backend import deployment, evaluation, foundation, staging, training
from backend.aws.environment import Environment, open_environment
from backend.deployment import DeploymentOptions
from backend.settings import Settings
from backend.traffic import Drift, Pool, distort, read_pool, scenarios
from backend.training import TrainingOptions
from tests.browser.driving import SECOND, await_drawn, await_pictures, button, go_to
from tests.browser.serving import PROJECT, Server
from tests.capture_lines import capture_line
from tests.conftest import SHARED_DATA
from tests.machine import two_at_once

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UNDISTURBED, CHANGED = 5_000, 200
PROMISE = 1_000_000
"""That chance alone raises none among 5,000 is then all but certain: at most one time in two hundred."""
SOON = 100
MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Endpoint:
    """A project whose endpoint serves a model that was evaluated."""

    environment: Environment
    evaluation: evaluation.Evaluation
    pool: Pool
    since: datetime


@pytest.fixture
def endpoint(server: Server, tmp_path: Path) -> Endpoint:
    """Real bicycles and motorcycles; the model has learned enough to answer, no more."""
    archive = SHARED_DATA / "cifar-100-bikes-and-others.tar.gz"
    if not archive.exists():
        pytest.skip(f"real data is not here: {archive.name} is not part of the project")
    assert server.process.poll() is None
    settings = Settings(environment="embedded", state_dir=tmp_path / "state", project=PROJECT)
    attached = open_environment(settings)
    environment = replace(attached, settings=settings.model_copy(update={"state_dir": tmp_path / "ours"}))
    with two_at_once():
        foundation.deploy_foundation(environment)
        dataset = staging.stage_dataset(environment, staging.LocalArchive(archive), ("bicycle", "motorcycle"))
        name = training.start_training(environment, dataset, TrainingOptions(epochs=2))
        training.wait_for_training(environment, name)
        deployment.deploy_model(environment, name, DeploymentOptions())
        served = deployment.wait_for_endpoint(environment)
        found = evaluation.evaluate_model(environment, name)
    return Endpoint(environment, found, read_pool(environment), served.modified_at)


def undisturbed(endpoint: Endpoint) -> Iterator[tuple[bytes, tuple[float, ...]]]:
    """Pictures as the traffic generator draws them, with the model's answers to them."""
    rng = np.random.default_rng(1)
    answers = {image.key: image.probabilities for image in endpoint.evaluation.images}
    contents: dict[str, bytes] = {}
    for _ in range(UNDISTURBED):
        key = endpoint.pool.draw(Drift(), rng).key
        if key not in contents:
            contents[key] = staging.read_image(endpoint.environment, key)
        yield contents[key], answers[key]


def distorted(endpoint: Endpoint, drift: Drift) -> Iterator[tuple[bytes, tuple[float, ...]]]:
    """The same with a drift; an endpoint of its own, which captures nothing, answers."""
    rng = np.random.default_rng(2)
    environment = endpoint.environment
    job = training.describe_training(environment, endpoint.evaluation.job)
    with two_at_once(), deployment.temporary_endpoint(environment, job) as name:
        for _ in range(CHANGED):
            content = staging.read_image(environment, endpoint.pool.draw(drift, rng).key)
            with Image.open(io.BytesIO(content)) as image:
                pixels = distort(np.asarray(image.convert("RGB")), drift.severities, rng)
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            answer = environment.sagemaker_runtime.invoke_endpoint(
                EndpointName=name, ContentType="image/png", Accept="application/json", Body=buffer.getvalue()
            )
            yield buffer.getvalue(), tuple(json.loads(answer["Body"].read()))


def capture(endpoint: Endpoint, records: Iterator[tuple[bytes, tuple[float, ...]]], first: int) -> None:
    """Write capture files, as of two hundred requests a second since the model has served."""
    lines: dict[str, list[bytes]] = {}
    for number, (content, probabilities) in enumerate(records, start=first):
        time = (endpoint.since + timedelta(seconds=1 + number / 200)).astimezone(UTC)
        request = {
            "observedContentType": "image/png",
            "mode": "INPUT",
            "data": base64.b64encode(content).decode(),
            "encoding": "BASE64",
        }
        names = {"captureData__endpointInput": request, "eventMetadata__inferenceId": f"drawn-{number}"}
        folder = f"data_capture/{endpoint.environment.names.endpoint}/AllTraffic/{time:%Y/%m/%d/%H}"
        line = capture_line(probabilities, f"{time:%Y-%m-%dT%H:%M:%S.%fZ}", **names)
        lines.setdefault(f"{folder}/{number // 500:04}-{first}.jsonl", []).append(line)
    for key, content_of in lines.items():
        endpoint.environment.s3.put_object(Bucket=endpoint.environment.bucket, Key=key, Body=b"".join(content_of))


def await_counted(page: Page, count: int) -> None:
    """Wait until so many records were counted, repetitions among them."""
    said = page.get_by_text(re.compile(r"Counted since .*record"))
    deadline = f"""() => {{
        const said = document.body.innerText.match(/: ([\\d,]+) records, and ([\\d,]+) that repeated/);
        return said && Number(said[1].replace(",", "")) + Number(said[2].replace(",", "")) === {count};
    }}"""
    said.wait_for(timeout=2 * MINUTE)
    page.wait_for_function(deadline, timeout=2 * MINUTE)
    await_drawn(page)


def test_noise_raises_the_alarm_and_five_thousand_pictures_without_it_do_not(page: Page, endpoint: Endpoint) -> None:
    page.goto("/")
    capture(endpoint, undisturbed(endpoint), 0)
    go_to(page, "Drift")
    promised = page.get_by_role("spinbutton", name="Records between false alarms")
    promised.wait_for(timeout=2 * MINUTE)
    promised.fill(str(PROMISE))
    promised.press("Enter")
    await_drawn(page)
    button(page, "Use the evaluation").click()
    await_counted(page, UNDISTURBED)
    page.get_by_text("No change is told.").wait_for()
    assert page.get_by_text("at least 1,000,000 records pass on average").is_visible()

    capture(endpoint, distorted(endpoint, scenarios(["bicycle", "motorcycle"])["noisier 20"]), UNDISTURBED)
    alarm = page.get_by_test_id("stAlert").filter(has_text="Alarm: the sharpness is not as it was")
    alarm.wait_for(timeout=2 * MINUTE)
    await_pictures(page)
    found = re.search(r"raised (\d+) records? later", alarm.inner_text())
    assert found is not None
    assert int(found[1]) <= SOON
    for key in ("before", "after"):
        assert page.locator(f".st-key-sharp-drift-{key} img").count() == 12

    page.get_by_role("textbox", name="Your name").fill("Ada")
    button(page, "Acknowledge").click()
    page.get_by_role("heading", name="Acknowledged alarms").wait_for()
    await_drawn(page)
    alarm.wait_for(state="detached")
