"""A project with captured records, on the embedded AWS that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.aws.environment import Environment
from tests.projects import empty_project


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Environment:
    """A project with its bucket, in which nothing is yet."""
    return empty_project(environment, "review", tmp_path)
