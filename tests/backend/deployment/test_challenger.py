"""A challenger beside the model that serves: its share, its promotion under load, and the way back."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from botocore.config import Config
from scipy.stats import binom

from backend import cleanup, deployment, monitoring, staging, training
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.deployment.serving import VARIANT
from backend.staging.pictures import check_picture

pytestmark = pytest.mark.system

OPTIONS = deployment.DeploymentOptions()
SHARE = 0.2
CERTAIN = 1 - 1e-9
"""A chance that a test may trust."""
CLIENTS = 2
AFTER = 5 * CLIENTS
"""Answers after a change: more than one a client, so that none of them is from before."""


class Client:
    """Asks the endpoint about one image again and again, without a second attempt, and notes who answered."""

    def __init__(self, project: Environment, image: bytes) -> None:
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=2 * CLIENTS)
        self._runtime = project.session.client("sagemaker-runtime", config=once)
        self._project, self._image = project, image
        self.answered: dict[str, str] = {}
        """The variant that answered, by inference id."""

    def ask(self, _number: int = 0) -> str:
        identifier = uuid.uuid4().hex
        answer = self._runtime.invoke_endpoint(
            EndpointName=self._project.names.endpoint,
            ContentType="image/png",
            InferenceId=identifier,
            Body=self._image,
        )
        assert len(json.loads(answer["Body"].read())) == 2
        self.answered[identifier] = answer["InvokedProductionVariant"]
        return self.answered[identifier]

    def ask_often(self, requests: int) -> Counter[str]:
        """So many requests, some at a time: how many each variant answered."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            return Counter(pool.map(self.ask, range(requests)))

    @contextmanager
    def asking(self) -> Iterator[Callable[[str], None]]:
        """Ask all the time while the block lasts; one request that is lost fails it.

        Yields what waits until a variant has answered the last 20 requests.
        """
        end, newest = threading.Event(), list[str]()

        def ask() -> None:
            while not end.is_set():
                newest.append(self.ask())

        def await_answers(variant: str) -> None:
            for _ in attempts(f"Answers of {variant}", timeout=60):
                if len(newest) > AFTER and set(newest[-AFTER:]) == {variant}:
                    return

        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(ask) for _ in range(CLIENTS)]
            try:
                yield await_answers
            finally:
                end.set()
            for client in clients:
                client.result()


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    """The project of the trained model, without anything deployed before and after."""
    _delete_deployed(environment)
    yield environment
    _delete_deployed(environment)


@pytest.fixture(scope="module")
def first(project: Environment, trained_job: training.TrainingJob) -> str:
    """The configuration that the endpoint serves from, of one model; each test leaves it so, or the endpoint gone."""
    name = deployment.deploy_model(project, trained_job.name, OPTIONS)
    deployment.wait_for_endpoint(project, config=name)
    return name


@pytest.fixture
def image(project: Environment, dataset: staging.Dataset) -> tuple[str, bytes]:
    """The key and the content of a test image."""
    key = staging.list_images(project, dataset, staging.TEST)[0].key
    return key, staging.read_image(project, key)


def _delete_deployed(project: Environment) -> None:
    kinds = {"endpoint", "endpoint configuration", "model"}
    cleanup.delete_resources(project, [item for item in cleanup.list_resources(project) if item.kind.name in kinds])


def captured(project: Environment) -> dict[str, tuple[str, str | None]]:
    """The variant whose file a record is in, and its image's key, by inference id: all that is in S3."""
    found = {}
    pages = project.s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix="data_capture/")
    for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
        content = project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()
        for line in content.splitlines():
            metadata = json.loads(line)["eventMetadata"]
            if "inferenceId" in metadata:
                attributes = metadata.get("customAttributes", [None])
                found[metadata["inferenceId"]] = key.split("/")[2], attributes[0]
    return found


def await_captured(project: Environment, identifiers: set[str]) -> dict[str, tuple[str, str | None]]:
    for _ in attempts("The captured records", timeout=60):
        if identifiers <= (found := captured(project)).keys():
            break
    return {identifier: found[identifier] for identifier in identifiers}


def challenger_of(project: Environment) -> deployment.Variant:
    endpoint = deployment.describe_endpoint(project)
    assert endpoint is not None
    assert endpoint.challenger is not None
    return endpoint.challenger


@pytest.mark.parametrize("requests", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_a_challenger_takes_its_share_is_promoted_under_load_and_rolled_back(
    project: Environment, trained_job: training.TrainingJob, first: str, image: tuple[str, bytes], requests: int
) -> None:
    both = deployment.add_challenger(project, trained_job.name, SHARE)
    deployment.wait_for_endpoint(project, config=both)
    challenger = challenger_of(project).name
    client = Client(project, image[1])

    answers = client.ask_often(requests)
    print(f"of {requests} requests: {answers}")
    assert answers.keys() == {VARIANT, challenger}
    low, high = binom.interval(CERTAIN, requests, SHARE)
    assert low <= answers[challenger] <= high

    with client.asking() as await_answers:
        alone = deployment.promote(project)
        promoted = deployment.wait_for_endpoint(project, config=alone)
        await_answers(challenger)
        deployment.roll_back(project, first)
        rolled_back = deployment.wait_for_endpoint(project, config=first)
        await_answers(VARIANT)
    print(f"under load: {len(client.answered) - requests} requests, none lost")
    assert [(item.name, promoted.share(item)) for item in promoted.variants] == [(challenger, 1.0)]
    assert [(item.name, rolled_back.share(item)) for item in rolled_back.variants] == [(VARIANT, 1.0)]

    records = await_captured(project, set(client.answered))
    assert {identifier: variant for identifier, (variant, _) in records.items()} == client.answered
    monitoring.refresh_captures(project)
    contents = monitoring.capture_contents(project)
    assert contents is not None
    told = {stream.variant: stream.records for stream in contents.streams}
    assert told[challenger] == list(client.answered.values()).count(challenger)
    listed = [(item.name, item.can_serve) for item in deployment.list_configurations(project)]
    assert listed[:2] == [(alone, True), (both, True)]
    assert (first, True) in listed


def test_a_shadow_is_captured_beside_the_champion_and_withdrawn(
    project: Environment, trained_job: training.TrainingJob, first: str, image: tuple[str, bytes]
) -> None:
    """A trial's two records have one inference id, each in its own variant's file."""
    both = deployment.add_challenger(project, trained_job.name, 1.0, as_shadow=True)
    deployment.wait_for_endpoint(project, config=both)
    shadow = challenger_of(project)
    assert shadow.is_shadow

    [endpoint] = (item for item in cleanup.list_resources(project) if item.kind.name == "endpoint")
    assert "1 x ml.m5.xlarge, 1 x ml.m5.xlarge: on AWS billed" in endpoint.detail

    key, content = image
    trial = deployment.try_image(project, content, check_picture(key, content), key=key)
    assert trial.variant == VARIANT
    assert sum(trial.probabilities) == pytest.approx(1, abs=1e-5)
    assert trial.seconds > 0
    assert deployment.is_trial(trial.inference_id)

    alone = deployment.withdraw(project)
    deployment.wait_for_endpoint(project, config=alone)
    for _ in attempts("The shadow's record", timeout=60):
        pages = project.s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix="data_capture/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        if any(f"/{shadow.name}/" in item for item in keys):
            break
    [shadows] = (item for item in keys if f"/{shadow.name}/" in item)
    [line] = project.s3.get_object(Bucket=project.bucket, Key=shadows)["Body"].read().splitlines()
    metadata = json.loads(line)["eventMetadata"]
    assert (metadata["inferenceId"], metadata["customAttributes"]) == (trial.inference_id, [key])

    deployment.delete_endpoint(project)
    left = project.sagemaker.list_models(NameContains=project.project)["Models"]
    assert {item["ModelName"] for item in left} >= {first, both}  # of earlier configurations
