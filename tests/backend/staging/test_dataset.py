"""What a dataset says of itself, also one that an earlier version staged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend import staging
from backend.aws.environment import Environment

EARLIER: dict[str, Any] = {
    "dataset_id": "20260131-093012-482913-1f2e3d4c5b6a",
    "source": "CIFAR-100, from the archive cifar-100-bikes.tar.gz",
    "synthetic": False,
    "labels": ["bicycle", "motorcycle"],
    "counts": {"train": {"bicycle": 500, "motorcycle": 500}, "test": {"bicycle": 1, "motorcycle": 0}},
    "bucket": "scones-123456789012-us-east-1",
    "prefix": "datasets/20260131-093012-482913-1f2e3d4c5b6a/",
    "staged_at": "2026-01-31T09:30:12.482913Z",
}
"""A dataset.json as it was written before there were three splits."""


@pytest.fixture
def earlier(bucket: Environment) -> staging.Dataset:
    """A dataset that an earlier version staged, of which one test image is looked at."""
    prefix = EARLIER["prefix"]
    contents = {
        f"{prefix}dataset.json": json.dumps(EARLIER),
        f"{prefix}test.lst": "0\t0\tbike.png\n",
        "datasets/current.json": json.dumps({"dataset_id": EARLIER["dataset_id"]}),
    }
    for key, content in contents.items():
        bucket.s3.put_object(Bucket=bucket.bucket, Key=key, Body=content.encode())
    dataset = staging.describe_dataset(bucket)
    assert dataset is not None
    return dataset


def test_an_earlier_dataset_is_validated_on_its_test_images(earlier: staging.Dataset) -> None:
    assert earlier.splits == ("train", "test")
    root = "s3://scones-123456789012-us-east-1/datasets/20260131-093012-482913-1f2e3d4c5b6a/"
    assert earlier.channels() == {
        "train": f"{root}train/",
        "validation": f"{root}test/",
        "train_lst": f"{root}train.lst",
        "validation_lst": f"{root}test.lst",
    }


def test_an_earlier_dataset_knows_all_its_classes(earlier: staging.Dataset) -> None:
    assert not earlier.has_other
    assert earlier.other is None
    assert earlier.known_labels == ("bicycle", "motorcycle")


def test_the_images_of_an_earlier_dataset_are_listed(bucket: Environment, earlier: staging.Dataset) -> None:
    [image] = staging.list_images(bucket, earlier, "test")
    assert (image.label, image.name) == ("bicycle", "bike.png")
