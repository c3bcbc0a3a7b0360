"""A project with its bucket, on the embedded AWS that all tests share."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from backend.aws.environment import Environment
from tests.projects import of_project

_numbers = itertools.count(1)


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    """A project in whose bucket nothing is yet."""
    own = of_project(environment, f"quality-{next(_numbers)}", tmp_path)
    own.s3.create_bucket(Bucket=own.bucket)
    return own
