"""200 images through the workflow, with Step Functions' documented request quotas standing in front of it.

The quotas are those of the smaller regions: a bucket of tokens for each operation, refilled all the time.
Source: Step Functions developer guide, "Quotas related to API action throttling".
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from backend import workflow
from backend.workflow.batch import NOT_FOLLOWED, NOT_STARTED
from benchmarks.place import say
from benchmarks.workflow import deployed, keys_of

QUOTAS = {
    "StartExecution": (800, 150),
    "DescribeExecution": (250, 10),
    "ListExecutions": (100, 5),
    "GetExecutionHistory": (400, 20),
}
"""By operation: tokens in the bucket, and tokens that come back each second."""
VERDICTS = (workflow.Outcome.PASSED, workflow.Outcome.REJECTED, workflow.Outcome.UNKNOWN)
LOST = (NOT_STARTED, NOT_FOLLOWED)


def measure(images: int = 200) -> dict[str, Any]:
    """The figures: how many images came to no end, how many to one that was not theirs, and the batch's seconds."""
    with deployed() as environment:
        keys = keys_of(environment, images)
        gate = Gate()
        with gate.before(environment.stepfunctions):
            started = time.monotonic()
            executions = workflow.run_batch(environment, keys)
            seconds = time.monotonic() - started
    outcomes = Counter(execution.outcome for execution in executions)
    say(f"{dict(outcomes)}; asked {dict(gate.asked)}, refused {dict(gate.refused)}")
    return {
        "images": images,
        "lost": images - len({execution.name for execution in executions if execution.error not in LOST}),
        "failed": images - sum(outcomes[outcome] for outcome in VERDICTS),
        "seconds": round(seconds, 1),
        "requests": dict(gate.asked),
        "refused": dict(gate.refused),
    }


@dataclass
class Gate:
    """Refuses requests above the quotas, as Step Functions does."""

    quotas: Mapping[str, tuple[float, float]] = field(default_factory=lambda: QUOTAS)
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._buckets = {operation: Bucket(*quota) for operation, quota in self.quotas.items()}

    @contextmanager
    def before(self, client: Any) -> Iterator[None]:
        """Stand before a client of Step Functions, below its retries."""
        client.meta.events.register("before-send.stepfunctions", self._answer)
        try:
            yield
        finally:
            client.meta.events.unregister("before-send.stepfunctions", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
        self.asked[operation] += 1
        bucket = self._buckets.get(operation)
        if bucket is None or bucket.take():
            return None
        self.refused[operation] += 1
        content = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
        return AWSResponse(str(request.url), 400, HTTPHeaders(), _Body(content))


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
