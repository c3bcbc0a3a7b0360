"""What the tests of staging share: a bucket, and archives made by hand."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.environment import Environment
from backend.staging.labels import FINE_LABELS

MakeArchive = Callable[[Mapping[str, bytes]], Path]


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
    """Writes a tar.gz with these members and returns its path."""

    def make(members: Mapping[str, bytes]) -> Path:
        path = tmp_path / "archive.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return make


@pytest.fixture
def small_cifar() -> dict[str, bytes]:
    """The members of a small CIFAR-100: four images of bicycles and motorcycles in each split."""
    return {
        "cifar-100-python/meta": pickle.dumps({b"fine_label_names": [name.encode() for name in FINE_LABELS]}),
        "cifar-100-python/train": pickle.dumps(batch(seed=1), protocol=4),
        "cifar-100-python/test": pickle.dumps(batch(seed=2), protocol=4),
    }


def batch(seed: int, **changes: Any) -> dict[bytes, Any]:
    """What a small CIFAR batch unpickles to, with some of its values changed."""
    content: dict[bytes, Any] = {
        b"filenames": [b"bike_s_000001.png", b"motorcycle_s_000007.png", b"bike_s_000002.png", b"minibike_s_000003.png"],
        b"batch_label": b"training batch 1 of 1",
        b"fine_labels": [8, 48, 8, 48],
        b"coarse_labels": [18, 18, 18, 18],
        b"data": np.random.default_rng(seed).integers(0, 256, (4, 3072), dtype=np.uint8),
    }
    return content | {name.encode(): value for name, value in changes.items()}
