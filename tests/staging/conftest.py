"""What the tests of staging share: a bucket, and archives made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.environment import Environment
from tests.staging.archives import MakeArchive, small_members, write_archive


@pytest.fixture
def bucket(environment: Environment) -> Iterator[Environment]:
    """The environment with an empty bucket, which is deleted again unless it was there before."""
    s3 = environment.session.resource("s3", endpoint_url=environment.s3.meta.endpoint_url)
    bucket = s3.Bucket(environment.bucket)
    was_there = bucket.creation_date is not None
    if not was_there:
        bucket.create()
    yield environment
    bucket.objects.filter(Prefix="datasets/").delete()
    if not was_there:
        bucket.delete()


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
