"""Channels: which objects become which files."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from backend.aws.environment import Environment
from embedded_aws.sagemaker.training.channels import download_channel
from embedded_aws.sagemaker.training.failures import TrainingFailed
from tests.embedded_aws.sagemaker.examples import ROLE_ARN, channel


@pytest.fixture(scope="module")
def prefix(environment: Environment, bucket: str) -> str:
    """A prefix in S3 with a few objects, each holding its own key."""
    for key in ("train/a.png", "train/deep/b.png", "train/", "train.lst", "part-1", "part-2", "other/c.png"):
        environment.s3.put_object(Bucket=bucket, Key=f"channels/{key}", Body=key.encode())
    return f"s3://{bucket}/channels/"


def downloaded(environment: Environment, description: dict[str, Any], folder: Path) -> dict[str, str]:
    """The files that a channel becomes: content by relative path."""
    download_channel(environment.s3, description, ROLE_ARN, folder, Event())
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("train/", {"a.png": "train/a.png", "deep/b.png": "train/deep/b.png"}),
        ("train", {"a.png": "train/a.png", "deep/b.png": "train/deep/b.png", "train.lst": "train.lst"}),
        ("train.lst", {"train.lst": "train.lst"}),
        ("part-", {"part-1": "part-1", "part-2": "part-2"}),
    ],
)
def test_files_are_named_by_what_follows_the_prefix(
    environment: Environment, prefix: str, tmp_path: Path, key: str, expected: dict[str, str]
) -> None:
    assert downloaded(environment, channel("train", prefix + key), tmp_path) == expected


def test_a_manifest_names_its_objects(environment: Environment, bucket: str, prefix: str, tmp_path: Path) -> None:
    content = json.dumps([{"prefix": prefix}, "train/a.png", "part-2"])
    environment.s3.put_object(Bucket=bucket, Key="manifests/good.manifest", Body=content.encode())
    manifest = manifest_channel(f"s3://{bucket}/manifests/good.manifest")
    assert downloaded(environment, manifest, tmp_path) == {"train/a.png": "train/a.png", "part-2": "part-2"}


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1]", '[{"prefix": 1}]', '[{"prefix": "s3://b/"}, 3]'])
def test_a_manifest_of_another_form_fails_the_job(
    environment: Environment, bucket: str, tmp_path: Path, content: str
) -> None:
    environment.s3.put_object(Bucket=bucket, Key="manifests/bad.manifest", Body=content.encode())
    with pytest.raises(TrainingFailed, match=r"ClientError: Data download failed:The manifest .* is not of the form"):
        downloaded(environment, manifest_channel(f"s3://{bucket}/manifests/bad.manifest"), tmp_path)


def test_missing_objects_fail_the_job_as_on_aws(environment: Environment, bucket: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed) as caught:
        downloaded(environment, channel("train", f"s3://{bucket}/nothing/"), tmp_path)
    assert str(caught.value) == (
        f'ClientError: Data download failed:No S3 objects found under S3 URL "s3://{bucket}/nothing/" given in input '
        "data source. Please ensure that the bucket exists in the selected region (us-east-1), that objects exist "
        f'under that S3 prefix, and that the role "{ROLE_ARN}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def test_a_missing_bucket_fails_the_job(environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="NoSuchBucket"):
        downloaded(environment, channel("train", "s3://there-is-no-such-bucket/train/"), tmp_path)


def test_no_file_is_written_outside_the_channel(environment: Environment, bucket: str, tmp_path: Path) -> None:
    environment.s3.put_object(Bucket=bucket, Key="manifests/evil.manifest", Body=b'[{"prefix": "s3://b/"}, "../evil"]')
    folder = tmp_path / "channel"
    with pytest.raises(TrainingFailed, match="outside the channel's folder"):
        downloaded(environment, manifest_channel(f"s3://{bucket}/manifests/evil.manifest"), folder)
    assert not (tmp_path / "evil").exists()


def test_a_file_in_the_place_of_a_folder_fails_the_job(environment: Environment, bucket: str, tmp_path: Path) -> None:
    for key in ("clash/a", "clash/a/b"):
        environment.s3.put_object(Bucket=bucket, Key=key, Body=b"")
    with pytest.raises(TrainingFailed, match="Unable to write"):
        downloaded(environment, channel("train", f"s3://{bucket}/clash/"), tmp_path)


# In the words of a job on AWS: aws-samples/generative-ai-on-amazon-sagemaker, pull request 242.
@pytest.mark.parametrize("prefix", ["empty-segment/", "empty-segment", "empty-segment//"])
def test_a_key_with_an_empty_segment_is_refused_as_on_aws(
    environment: Environment, bucket: str, tmp_path: Path, prefix: str
) -> None:
    environment.s3.put_object(Bucket=bucket, Key="empty-segment//x.png", Body=b"")
    with pytest.raises(TrainingFailed) as caught:
        downloaded(environment, channel("train", f"s3://{bucket}/{prefix}"), tmp_path)
    assert str(caught.value) == (
        "ClientError: Data download failed:Failed to download data. "
        f"S3 key: s3://{bucket}/empty-segment//x.png has an illegal char sub-sequence '//' in it"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_a_manifest_in_another_encoding_is_read_or_refused(
    environment: Environment, bucket: str, prefix: str, tmp_path: Path, encoding: str
) -> None:
    content = json.dumps([{"prefix": prefix}, "v\u00e9lo.png"], ensure_ascii=False).encode(encoding)
    environment.s3.put_object(Bucket=bucket, Key="manifests/encoded.manifest", Body=content)
    environment.s3.put_object(Bucket=bucket, Key="channels/v\u00e9lo.png", Body=b"a bicycle")
    manifest = manifest_channel(f"s3://{bucket}/manifests/encoded.manifest")
    if encoding == "latin-1":
        with pytest.raises(TrainingFailed, match=r"^ClientError: .*The manifest .* is not in UTF-8: see line 1\."):
            downloaded(environment, manifest, tmp_path)
    else:
        assert downloaded(environment, manifest, tmp_path) == {"v\u00e9lo.png": "a bicycle"}


@pytest.mark.parametrize("entry", ["a\0.png", "\ud800.png"])
def test_a_manifest_that_names_what_no_file_can_be_called_is_the_clients_error(
    environment: Environment, bucket: str, prefix: str, tmp_path: Path, entry: str
) -> None:
    content = json.dumps([{"prefix": prefix}, entry])
    environment.s3.put_object(Bucket=bucket, Key="manifests/odd.manifest", Body=content.encode())
    with pytest.raises(TrainingFailed, match=r"^ClientError: Data download failed:.*odd\.manifest"):
        downloaded(environment, manifest_channel(f"s3://{bucket}/manifests/odd.manifest"), tmp_path)


def test_a_cancelled_download_writes_nothing_more(environment: Environment, prefix: str, tmp_path: Path) -> None:
    cancelled = Event()
    cancelled.set()
    download_channel(environment.s3, channel("train", f"{prefix}train/"), ROLE_ARN, tmp_path, cancelled)
    assert not list(tmp_path.iterdir())


def manifest_channel(uri: str) -> dict[str, Any]:
    description = channel("train", uri)
    description["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    return description
