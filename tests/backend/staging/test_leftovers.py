"""What a killed staging left is removed by the next one; a staging that runs, and what is somebody's own, is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import cleanup, foundation, staging
from backend.aws.environment import Environment
from backend.errors import AwsRequestError
from backend.staging.leftovers import remove_leftovers
from backend.staging.transfer import Transfer
from backend.staging.uploading import upload
from tests import answers
from tests.projects import of_project

DEAD = "20260131-093012-000000-0123456789ab"
SAMPLE = staging.OfflineSample(train_per_class=2, test_per_class=1)
AT_ONCE = timedelta(seconds=-2)  # S3 tells its time in whole seconds


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own with its bucket; whatever is left of it goes."""
    opened = of_project(environment, "scones-dead", tmp_path)
    foundation.deploy_foundation(opened)
    yield opened
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


def put(project: Environment, *keys: str) -> None:
    for key in keys:
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"x")


def keys(project: Environment, prefix: str = "datasets/") -> list[str]:
    answer = project.s3.list_objects_v2(Bucket=project.bucket, Prefix=prefix)
    return [item["Key"] for item in answer.get("Contents", [])]


def later(answer: dict[str, Any]) -> None:
    """S3's clock, long after."""
    answer["ResponseMetadata"]["HTTPHeaders"]["date"] = "Fri, 01 Jan 2100 00:00:00 GMT"


def test_the_next_staging_removes_what_a_killed_one_left(project: Environment) -> None:
    put(project, f"datasets/{DEAD}/train/a.png", f"datasets/{DEAD}/test.lst")
    with answers.changed(project.s3, "HeadBucket", later):
        dataset = staging.stage_dataset(project, SAMPLE, other=None)
    assert {key.split("/")[1] for key in keys(project)} == {dataset.dataset_id, "current.json"}


def test_a_staging_that_runs_is_left_alone(project: Environment) -> None:
    put(project, f"datasets/{DEAD}/train/a.png")
    staging.stage_dataset(project, SAMPLE, other=None)
    assert f"datasets/{DEAD}/train/a.png" in keys(project)


def test_whole_datasets_and_what_goes_by_other_names_stay(project: Environment) -> None:
    dataset = staging.stage_dataset(project, SAMPLE, other=None)
    put(project, "datasets/my-own/a.png", f"datasets/{DEAD}-copy/a.png", f"datasets/{DEAD}/train/a.png")
    before = keys(project)
    remove_leftovers(project, AT_ONCE)
    assert keys(project) == [key for key in before if not key.startswith(f"datasets/{DEAD}/")]
    assert staging.describe_dataset(project) == dataset


def test_a_deletion_that_was_cut_off_is_finished(project: Environment) -> None:
    dataset = staging.stage_dataset(project, SAMPLE, other=None)
    project.s3.delete_object(Bucket=project.bucket, Key=dataset.description_key)
    remove_leftovers(project, AT_ONCE)
    assert keys(project) == []


def test_what_cannot_be_removed_keeps_nobody_from_staging(
    project: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    put(project, f"datasets/{DEAD}/train/a.png")
    with (
        answers.changed(project.s3, "HeadBucket", later),
        answers.changed(project.s3, "DeleteObjects", answers.denied),
    ):
        dataset = staging.stage_dataset(project, SAMPLE, other=None)
    assert staging.describe_dataset(project) == dataset
    assert "unfinished datasets are left" in caplog.text


def test_the_same_images_go_on_in_the_place_that_a_killed_staging_left(project: Environment) -> None:
    dataset = staging.stage_dataset(project, SAMPLE, other=None)
    whole = keys(project)
    staging.delete_dataset(project, dataset.dataset_id)
    put(project, dataset.image_key("train", "bicycle_s_000001.png"))
    again = staging.stage_dataset(project, SAMPLE, other=None)
    assert again.dataset_id == dataset.dataset_id
    assert set(whole) <= set(keys(project))


def test_images_that_are_deleted_while_they_are_staged_make_no_dataset(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another process does, which takes a staging on a machine that slept for a dead one."""

    def upload_and_lose_one(transfer: Transfer, prefix: str, *rest: Any) -> Any:
        uploaded = upload(transfer, prefix, *rest)
        project.s3.delete_object(Bucket=project.bucket, Key=keys(project, f"{prefix}train/")[0])
        return uploaded

    monkeypatch.setattr("backend.staging.load.upload", upload_and_lose_one)
    with pytest.raises(AwsRequestError, match=r"1 object of dataset .* deleted while it was staged"):
        staging.stage_dataset(project, SAMPLE, other=None)
    assert keys(project) == []
