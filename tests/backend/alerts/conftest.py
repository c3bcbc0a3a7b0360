"""Projects with captured records whose times and answers a test chooses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from backend import cleanup, foundation, monitoring
from backend.aws.environment import Environment
from tests.capture_lines import capture_line
from tests.projects import of_project

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Record:
    """An inference: its time and the probabilities answered."""

    time: datetime
    probabilities: Sequence[float]
    inference_id: str = "execution-1"
    variant: str = "AllTraffic"

    @property
    def confidence(self) -> float:
        return max(self.probabilities)

    @property
    def index(self) -> int:
        return list(self.probabilities).index(self.confidence)


Capture = Callable[..., None]


def capture(
    project: Environment,
    records: Sequence[Record],
    broken: int = 0,
    variant: str = "AllTraffic",
    *,
    of_project: bool = False,
) -> None:
    """Write a capture file of these records, and lines that are none, and read it.

    It is of an endpoint `scones`, or of the project's own.
    """
    endpoint = project.names.endpoint if of_project else "scones"
    lines = [
        capture_line(
            record.probabilities,
            f"{record.time:%Y-%m-%dT%H:%M:%S}Z",
            captureData__endpointInput=None,
            eventMetadata__inferenceId=record.inference_id,
        )
        for record in records
    ]
    hour = records[0].time if records else datetime(2026, 1, 2, 3)
    name = f"00-00-000-{next(_numbers)}"
    key = f"data_capture/{endpoint}/{variant}/{hour:%Y/%m/%d/%H}/{name}.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join([*lines, *[b"{broken}\n"] * broken]))
    monitoring.refresh_captures(project, entirely=True)


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    """A project with an empty bucket and an empty cache, and no topic."""
    own = of_project(environment, f"alerts-{next(_numbers)}", tmp_path)
    own.s3.create_bucket(Bucket=own.bucket)
    return own


@pytest.fixture(scope="module")
def foundations(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A project with its bucket, and its topic with the inbox."""
    own = of_project(environment, f"alerts-{next(_numbers)}", tmp_path_factory.mktemp("alerts"))
    foundation.deploy_foundation(own)
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))
