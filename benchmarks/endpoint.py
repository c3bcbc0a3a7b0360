"""InvokeEndpoint through boto3, captured, against the bare forward pass with image decode in this process.

One client is measured in turn with the bare pass, a block of requests each; then eight clients send the rest.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil
import torch
from botocore.exceptions import BotoCoreError, ClientError

import embedded_aws
from backend import deployment, staging, training
from backend.aws.environment import Environment
from benchmarks.jobs import load_model, read_split
from benchmarks.place import say, staged
from embedded_aws.sagemaker.containers.image_classification.serving import prepare

REQUESTS = 20_000
CLIENTS = 8
BLOCKS = 10
BLOCK_REQUESTS = 100
WARM_UP = 2_000
CAPTURE_SECONDS = 120.0


@dataclass
class Load:
    """What became of the requests of this run."""

    environment: Environment
    images: Sequence[bytes]
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    answered: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def invoke(self) -> float:
        """Send the next image; returns the seconds until its answer was read."""
        number = next(self.numbers)
        inference_id = f"request-{number}"
        started = time.perf_counter()
        try:
            answer = self.environment.sagemaker_runtime.invoke_endpoint(
                EndpointName=self.environment.names.endpoint,
                ContentType="image/png",
                Body=self.images[number % len(self.images)],
                InferenceId=inference_id,
            )
            json.loads(answer["Body"].read())
            self.answered.append(inference_id)
        except (BotoCoreError, ClientError) as error:
            self.failures.append(repr(error))
        return time.perf_counter() - started


def measure(archive: Path) -> dict[str, Any]:
    """The figures by name; latencies in milliseconds."""
    with staged(archive) as (environment, dataset):
        job = _deploy(environment, dataset)
        images, _ = read_split(environment, dataset, staging.TEST)
        load = Load(environment, images)
        bare = _bare_pass(environment, job)
        singles, bares = _in_turn(load, lambda number: bare(images[number % len(images)]))
        figures = {
            "p50_ms": _milliseconds(median(singles)),
            "p95_ms": _milliseconds(quantiles(singles, n=20)[-1]),
            "bare_p50_ms": _milliseconds(median(bares)),
            "p50_ratio": round(median(singles) / median(bares), 2),
            **_throughput(load),
        }
        captured = _captured_ids(environment, len(load.answered))
    return figures | {
        "requests": len(load.answered) + len(load.failures),
        "failed": len(load.failures),
        "captured_once": sorted(captured) == sorted(load.answered),
    }


def _deploy(environment: Environment, dataset: staging.Dataset) -> str:
    """A model of one epoch: how well it was trained does not matter to how long it takes."""
    job = training.start_training(environment, dataset, training.TrainingOptions(epochs=1))
    training.wait_for_training(environment, job)
    deployment.deploy_model(environment, job, deployment.DeploymentOptions())
    deployment.wait_for_endpoint(environment)
    return job


def _bare_pass(environment: Environment, job: str) -> Callable[[bytes], object]:
    """The same network, traced and frozen as it is when served, with the decoding of an image before it."""
    network = load_model(environment, training.describe_training(environment, job))
    torch.set_num_threads(1)
    example = torch.zeros(1, 3, *network.architecture.image_shape)
    frozen = torch.jit.freeze(torch.jit.trace(network, example))  # type: ignore[no-untyped-call]

    def run(image: bytes) -> object:
        with torch.inference_mode():
            return torch.softmax(frozen(prepare(image, network.architecture)[None]), dim=1).tolist()

    return run


def _in_turn(load: Load, bare: Callable[[int], object]) -> tuple[list[float], list[float]]:
    """Seconds of single requests and of bare passes, block by block: what else the machine does weighs on both."""
    singles: list[float] = []
    bares: list[float] = []
    for number in range(BLOCK_REQUESTS):
        load.invoke()
        bare(number)
    for _ in range(BLOCKS):
        singles += [load.invoke() for _ in range(BLOCK_REQUESTS)]
        bares += [_timed(bare, number) for number in range(BLOCK_REQUESTS)]
    say(f"one client: {_milliseconds(median(singles))} ms, bare {_milliseconds(median(bares))} ms")
    return singles, bares


def _timed(bare: Callable[[int], object], number: int) -> float:
    started = time.perf_counter()
    bare(number)
    return time.perf_counter() - started


def _throughput(load: Load) -> dict[str, Any]:
    """Eight clients at once, up to all requests; memory of the service and its container, in MB, after warm-up."""
    _send(load, WARM_UP)
    before = _memory_mb(load.environment)
    rest = REQUESTS - len(load.answered) - len(load.failures)
    started = time.perf_counter()
    latencies = _send(load, rest)
    rate = rest / (time.perf_counter() - started)
    after = _memory_mb(load.environment)
    say(f"{CLIENTS} clients: {rate:.0f} requests/s; {before:.3f} MB before, {after:.3f} MB after")
    return {
        "clients": CLIENTS,
        "requests_per_second": round(rate, 1),
        "clients_p50_ms": _milliseconds(median(latencies)),
        "clients_p95_ms": _milliseconds(quantiles(latencies, n=20)[-1]),
        "memory_mb": round(after, 1),
        "memory_growth_mb": round(after - before, 1),
    }


def _send(load: Load, count: int) -> list[float]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda _: load.invoke(), range(count)))


def _memory_mb(environment: Environment) -> float:
    """Resident memory of the SageMaker service and its serving containers."""
    supervisor = embedded_aws.start(environment.settings.state_dir).supervisor
    assert supervisor is not None  # noqa: S101  this process started it
    [service] = [item for item in psutil.Process(supervisor.pid).children() if "sagemaker" in item.cmdline()]
    return sum(float(item.memory_info().rss) for item in [service, *service.children(recursive=True)]) / 1e6


def _captured_ids(environment: Environment, count: int) -> list[str]:
    """The inference ids in the capture files, once as many as were answered are there, or it took too long."""
    deadline = time.monotonic() + CAPTURE_SECONDS
    while True:
        ids = _ids_in_bucket(environment)
        if len(ids) >= count or time.monotonic() > deadline:
            return ids
        time.sleep(1)


def _ids_in_bucket(environment: Environment) -> list[str]:
    pages = environment.s3.get_paginator("list_objects_v2").paginate(Bucket=environment.bucket, Prefix="data_capture")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    bodies = (environment.s3.get_object(Bucket=environment.bucket, Key=key)["Body"].read() for key in keys)
    return [json.loads(line)["eventMetadata"]["inferenceId"] for body in bodies for line in body.splitlines()]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
