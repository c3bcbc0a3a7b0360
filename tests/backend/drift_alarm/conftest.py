"""A project with an empty bucket, and capture files in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from backend import drift_alarm, monitoring
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource
from tests.backend.drift_alarm.alarming import LABELS, STREAM, Capture, darker, first
from tests.backend.monitoring.watching import lines
from tests.projects import empty_project


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    return empty_project(environment, "drift", tmp_path)


@pytest.fixture
def source(project: Environment) -> CaptureSource:
    return monitoring.project_source(project)


@pytest.fixture
def capture(project: Environment) -> Callable[..., None]:
    """Put a capture file into the bucket, and read it."""

    def put(name: str, lines: Iterable[bytes], variant: str = "AllTraffic") -> None:
        key = f"data_capture/scones/{variant}/2026/01/02/00/{name}.jsonl"
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))
        monitoring.refresh_captures(project, entirely=True)

    return put


@pytest.fixture
def alarmed(project: Environment, source: CaptureSource, capture: Capture) -> drift_alarm.Standing:
    """Two hundred records are the baseline, a hundred like them follow, and then darker ones."""
    capture("a", lines(300))
    drift_alarm.choose_window(project, source, first(), 10_000, LABELS)
    capture("b", darker(100))
    return drift_alarm.standings(project, source)[STREAM]
