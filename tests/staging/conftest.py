"""What the tests of staging share: a bucket, and archives made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.bucket import delete_prefix
from backend.environment import Environment
from tests.staging.archives import MakeArchive, small_members, write_archive


@pytest.fixture
def bucket(environment: Environment) -> Iterator[Environment]:
    """A project of which nothing exists but its empty bucket."""
    project = replace(environment, settings=environment.settings.model_copy(update={"project": "scones-staging"}))
    project.s3.create_bucket(Bucket=project.bucket)
    yield project
    delete_prefix(project)
    project.s3.delete_bucket(Bucket=project.bucket)


@pytest.fixture
def staged_keys(bucket: Environment) -> Callable[[], list[str]]:
    """Every key below `datasets/`, as S3 lists them."""
    return lambda: [
        item["Key"]
        for page in bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix="datasets/")
        for item in page.get("Contents", [])
    ]


@pytest.fixture
def make_archive(tmp_path: Path) -> MakeArchive:
    return lambda members: write_archive(tmp_path / "archive.tar.gz", members)


@pytest.fixture
def small_cifar() -> dict[str, bytes]:
    return small_members()
