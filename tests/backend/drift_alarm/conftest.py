"""A project with an empty bucket, and capture files in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource
from tests.projects import of_project

_numbers = itertools.count(1)


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    own = of_project(environment, f"drift-{next(_numbers)}", tmp_path)
    own.s3.create_bucket(Bucket=own.bucket)
    return own


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
