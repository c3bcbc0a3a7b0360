"""Capture files in a bucket of an environment of their own project, on the embedded AWS that all tests share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.aws.environment import Environment
from tests.projects import of_project

_numbers = itertools.count(1)


@pytest.fixture
def captures(environment: Environment, tmp_path: Path) -> Environment:
    """The environment with an empty bucket and an empty cache."""
    own = of_project(environment, f"captures-{next(_numbers)}", tmp_path)
    own.s3.create_bucket(Bucket=own.bucket)
    return own


@pytest.fixture
def put(captures: Environment) -> Callable[..., str]:
    """Put a capture file into the bucket; returns its key."""

    def put_file(content: bytes, name: str = "04-05-000-a", hour: str = "2026/01/02/03") -> str:
        key = f"data_capture/scones/AllTraffic/{hour}/{name}.jsonl"
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=content)
        return key

    return put_file
