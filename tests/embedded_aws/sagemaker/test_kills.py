"""Thirty kill -9 at random, under load: what was acknowledged is there, and what was captured is there once."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import embedded_aws
from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, variant
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.training.interruptible import BUCKET, interruptible_aws, job_request, png

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

pytestmark = pytest.mark.slow
KILLS = 30
INVOKERS = 4
ANSWERS_BETWEEN_KILLS = 50
ENDPOINT = "kills"
ONCE = Config(retries={"total_max_attempts": 1})
"""A request that is sent twice may rightly be captured twice: these are sent once."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An embedded AWS that may be killed, with an endpoint that captures everything."""
    with interruptible_aws(tmp_path_factory.mktemp("kills")) as environment:
        serve(environment)
        yield environment


def serve(environment: Environment) -> None:
    sagemaker = environment.sagemaker
    sagemaker.create_training_job(**job_request("first", epochs=1))
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="first", WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    artifact = sagemaker.describe_training_job(TrainingJobName="first")["ModelArtifacts"]["S3ModelArtifacts"]
    sagemaker.create_model(ModelName="first", PrimaryContainer={"Image": IMAGE_URI, "ModelDataUrl": artifact})
    sagemaker.create_endpoint_config(
        EndpointConfigName="first",
        ProductionVariants=[variant("first")],  # type: ignore[list-item]
        DataCaptureConfig={
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="first")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )


class Clients:
    """Clients who go on asking whatever happens, and remember what they were told was done."""

    def __init__(self, environment: Environment) -> None:
        self._sagemaker: SageMakerClient = environment.session.client("sagemaker", config=ONCE)
        self._runtime: SageMakerRuntimeClient = environment.session.client("sagemaker-runtime", config=ONCE)
        self._numbers = itertools.count()
        self._end = threading.Event()
        self.inferences: list[str] = []
        self.models: set[str] = set()
        self.deleted_models: set[str] = set()
        self.jobs = ["first"]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask from several threads at once while the block lasts."""
        tasks = [self._invoke] * INVOKERS + [self._change_models, self._train]
        with ThreadPoolExecutor(len(tasks)) as pool:
            running = [pool.submit(self._keep_asking, task) for task in tasks]
            try:
                yield
            finally:
                self._end.set()
            for future in running:
                future.result()

    def wait_for_answers(self) -> None:
        """Wait until the endpoint has answered as often as there should be between two kills."""
        expected = len(self.inferences) + ANSWERS_BETWEEN_KILLS
        wait_until(lambda: len(self.inferences) >= expected)

    def _keep_asking(self, task: Callable[[int], None]) -> None:
        while not self._end.is_set():
            with suppress(BotoCoreError, ClientError):  # refused, or killed before the answer: nothing was promised
                task(next(self._numbers))

    def _invoke(self, number: int) -> None:
        inference_id = f"inference-{number}"
        answer = self._runtime.invoke_endpoint(
            EndpointName=ENDPOINT, ContentType="image/png", Body=png(number % 256), InferenceId=inference_id
        )
        answer["Body"].read()
        self.inferences.append(inference_id)

    def _change_models(self, number: int) -> None:
        name = f"model-{number}"
        self._sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE_URI})
        if number % 3:
            self.models.add(name)
        else:
            self._sagemaker.delete_model(ModelName=name)
            self.deleted_models.add(name)

    def _train(self, number: int) -> None:
        """See to it that a job is under way, which would go on for hours."""
        status = self._sagemaker.describe_training_job(TrainingJobName=self.jobs[-1])["TrainingJobStatus"]
        if status == "InProgress":
            self._end.wait(0.2)
        else:
            name = f"job-{number}"
            self._sagemaker.create_training_job(**job_request(name, epochs=100_000))
            self.jobs.append(name)


def kill_one(own: Environment, kind: str) -> bool:
    """Kill the `service`, or the container that `train`s or `serve`s; False when there is none just now."""
    supervisor = embedded_aws.start(own.settings.state_dir).supervisor
    assert supervisor is not None
    for process in psutil.Process(supervisor.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            words = process.cmdline()
            is_service = "embedded_aws.server" in words and "sagemaker" in words
            if is_service if kind == "service" else words[-1:] == [kind]:
                process.kill()
                return True
    return False


def captured_ids(own: Environment) -> Counter[str]:
    """How often each inference id stands in the capture files."""
    ids: Counter[str] = Counter()
    for page in own.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="captured/"):
        for item in page.get("Contents", []):
            body = own.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            ids.update(json.loads(line)["eventMetadata"]["inferenceId"] for line in body.splitlines())
    return ids


@pytest.fixture(scope="module")
def clients(own: Environment) -> Clients:
    """The clients, after thirty kills."""
    chance = random.Random(30)  # noqa: S311  the same kinds of victims every time
    clients = Clients(own)
    with clients.asking():
        for _ in range(KILLS):
            clients.wait_for_answers()
            wait_until(partial(kill_one, own, chance.choice(("service", "train", "serve"))))
        clients.wait_for_answers()
    return clients


def test_every_answered_inference_is_captured_and_none_twice(own: Environment, clients: Clients) -> None:
    wait_until(lambda: captured_ids(own).keys() >= set(clients.inferences))
    assert set(captured_ids(own).values()) == {1}
    assert len(clients.inferences) >= KILLS * ANSWERS_BETWEEN_KILLS


def test_what_was_created_is_there_and_what_was_deleted_is_not(own: Environment, clients: Clients) -> None:
    pages = own.sagemaker.get_paginator("list_models").paginate(NameContains="model-")
    there = {model["ModelName"] for page in pages for model in page["Models"]}
    assert clients.models <= there
    assert not clients.deleted_models & there
    assert len(clients.models) > KILLS


def test_every_job_has_the_end_that_it_came_to(own: Environment, clients: Clients) -> None:
    jobs = [own.sagemaker.describe_training_job(TrainingJobName=name) for name in clients.jobs[1:]]
    reasons = {job["FailureReason"] for job in jobs if job["TrainingJobStatus"] == "Failed"}
    assert {job["TrainingJobStatus"] for job in jobs[:-1]} == {"Failed"}
    assert reasons == {
        "AlgorithmError: , exit code: 137",
        "InternalServerError: The embedded SageMaker ended while the training job ran. Create another one.",
    }
    assert jobs[-1]["TrainingJobStatus"] in ("InProgress", "Failed")


def test_the_endpoint_is_in_service(own: Environment, clients: Clients) -> None:
    assert own.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService"
