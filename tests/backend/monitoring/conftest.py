"""Capture files in a bucket of an environment of their own project, on the embedded AWS that all tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.aws.environment import Environment
from tests.projects import empty_project


@pytest.fixture
def captures(environment: Environment, tmp_path: Path) -> Environment:
    """The environment with an empty bucket and an empty cache."""
    return empty_project(environment, "captures", tmp_path)


@pytest.fixture
def put(captures: Environment) -> Callable[..., str]:
    """Put a capture file into the bucket; returns its key."""

    def put_file(content: bytes, name: str = "04-05-000-a", hour: str = "2026/01/02/03") -> str:
        key = f"data_capture/scones/AllTraffic/{hour}/{name}.jsonl"
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=content)
        return key

    return put_file
