"""What the tests of staging share: a bucket, and archives made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend import cleanup
from backend.aws.bucket import delete_prefix
from backend.aws.environment import Environment
from backend.foundation import deploy_foundation
from tests.backend.staging.archives import MakeArchive, small_members, write_archive
from tests.projects import of_project


@pytest.fixture(scope="session")
def staging_project(environment: Environment) -> Iterator[Environment]:
    """A project with its foundation; whatever is left of it goes."""
    project = of_project(environment, "scones-staging")
    deploy_foundation(project)
    yield project
    cleanup.delete_resources(project, cleanup.list_resources(project))


@pytest.fixture
def bucket(staging_project: Environment) -> Iterator[Environment]:
    """A project of which nothing exists but its foundation, with an empty bucket."""
    yield staging_project
    delete_prefix(staging_project)


@pytest.fixture
def staged_keys(bucket: Environment) -> Callable[[], list[str]]:
    """Every key below `datasets/`, as S3 lists them."""
    return lambda: [
        item["Key"]
        for page in bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix="datasets/")
        for item in page.get("Contents", [])
    ]


@pytest.fixture(scope="session")
def real_others(real_archive: Path) -> Path:
    """The same classes and four others, bee, camel, cattle and wolf, of 400 train and 100 test images each."""
    return real_archive.with_name("cifar-100-bikes-and-others.tar.gz")


@pytest.fixture
def make_archive(tmp_path: Path) -> MakeArchive:
    return lambda members: write_archive(tmp_path / "archive.tar.gz", members)


@pytest.fixture
def small_cifar() -> dict[str, bytes]:
    return small_members()
