"""200 images through the workflow, with Step Functions' documented request quotas standing in front of it.

The quotas are those of the smaller regions: a bucket of tokens for each operation, refilled all the time.
Source: Step Functions developer guide, "Quotas related to API action throttling".
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from backend import workflow
from backend.aws.environment import Environment, open_environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample, describe_dataset, list_images
from backend.training import TrainingOptions
from benchmarks.place import say

QUOTAS = {
    "StartExecution": (800, 150),
    "DescribeExecution": (250, 10),
    "ListExecutions": (100, 5),
    "GetExecutionHistory": (400, 20),
}
"""By operation: tokens in the bucket, and tokens that come back each second."""


def measure(images: int = 200) -> dict[str, Any]:
    """The figures: how many images came to no end, how many to one that was not theirs, and the batch's seconds."""
    with tempfile.TemporaryDirectory(prefix="scones-throttled-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-throttled")
        with closing(open_environment(settings)) as environment:
            options = PipelineOptions(OfflineSample(32, 4), training=TrainingOptions(epochs=1), threshold=0.5)
            run_pipeline(environment, options)
            return _batch(environment, images)


def _batch(environment: Environment, images: int) -> dict[str, Any]:
    dataset = describe_dataset(environment)
    assert dataset is not None  # noqa: S101  the pipeline staged it
    keys = [image.key for image in list_images(environment, dataset, "test")]
    gate = Gate()
    environment.stepfunctions.meta.events.register("before-send.stepfunctions", gate)
    started = time.monotonic()
    executions = workflow.run_batch(environment, [keys[number % len(keys)] for number in range(images)])
    seconds = time.monotonic() - started
    outcomes = Counter(execution.outcome for execution in executions)
    say(f"{dict(outcomes)}; asked {dict(gate.asked)}, refused {dict(gate.refused)}")
    ended_well = outcomes[workflow.Outcome.PASSED] + outcomes[workflow.Outcome.REJECTED]
    return {
        "images": images,
        "lost": images - len({execution.name for execution in executions}),
        "failed": len(executions) - ended_well,
        "seconds": round(seconds, 1),
        "requests": dict(gate.asked),
        "refused": dict(gate.refused),
    }


@dataclass
class Gate:
    """Refuses requests above the quotas, as Step Functions does: a before-send handler of botocore."""

    quotas: Mapping[str, tuple[float, float]] = field(default_factory=lambda: QUOTAS)
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._buckets = {operation: Bucket(*quota) for operation, quota in self.quotas.items()}

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
        self.asked[operation] += 1
        bucket = self._buckets.get(operation)
        if bucket is None or bucket.take():
            return None
        self.refused[operation] += 1
        content = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
        return AWSResponse(str(request.url), 400, {"Content-Type": "application/x-amz-json-1.0"}, _Body(content))


class Bucket:
    """Tokens, refilled at a rate up to the size. Safe to use from any thread."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._tokens, self._at = size, time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a token; False when there is none."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class _Body:
    """A response's content, as urllib3 gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [self._content]
