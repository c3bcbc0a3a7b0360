"""Channels: the objects in S3 that a training job reads, as files in its input folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from embedded_aws.sagemaker.s3_uri import S3Uri
from embedded_aws.sagemaker.training.failures import TrainingFailed
from embedded_aws.sagemaker.training.manifests import InvalidManifest, read_manifest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 8


@dataclass(frozen=True)
class ChannelFile:
    """One object of a channel, and the path of its file relative to the channel's folder."""

    source: S3Uri
    path: str


def nothing_found(s3: S3Client, request: dict[str, Any]) -> str | None:
    """What SageMaker says of the first channel of a request that there is nothing for in S3; None when all have."""
    for channel in request["InputDataConfig"]:
        source = _source(channel)
        if not _exists(s3, S3Uri.parse(source["S3Uri"])):
            return _none_below(source["S3Uri"], request["RoleArn"], s3.meta.region_name)
    return None


def download_channel(s3: S3Client, channel: dict[str, Any], role: str, folder: Path, cancelled: Event) -> None:
    """Download a channel's objects below `folder`, several at a time; ends early when cancelled.

    Raises TrainingFailed when there are none, or one cannot be read or written.
    """
    source = _source(channel)
    try:
        files = list(_files(s3, source))
        if not files:
            raise _download_failed(_none_below(source["S3Uri"], role, s3.meta.region_name))
        with ThreadPoolExecutor(_THREADS, "channel") as pool:
            for _ in pool.map(lambda file: _download(s3, file, folder, cancelled), files):
                pass
    except (ClientError, ParamValidationError) as error:
        raise _download_failed(f"Unable to read {source['S3Uri']}: {error}") from error
    except (OSError, ValueError) as error:  # the latter for a NUL, or half a character, in a key
        raise _download_failed(f"Unable to write what {source['S3Uri']} holds: {error}") from error


def _download_failed(why: str) -> TrainingFailed:
    return TrainingFailed(f"ClientError: Data download failed:{why}")


def _source(channel: dict[str, Any]) -> dict[str, Any]:
    return channel["DataSource"]["S3DataSource"]  # type: ignore[no-any-return]


def _exists(s3: S3Client, prefix: S3Uri) -> bool:
    try:
        return s3.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.key, MaxKeys=1).get("KeyCount", 0) > 0
    except (ClientError, ParamValidationError):  # the latter for what cannot be a bucket's name
        return False


def _none_below(uri: str, role: str, region: str) -> str:
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f'in the selected region ({region}), that objects exist under that S3 prefix, and that the role "{role}" has '
        f'"s3:ListBucket" permissions on bucket "{S3Uri.parse(uri).bucket}".'
    )


def _files(s3: S3Client, source: dict[str, Any]) -> Iterator[ChannelFile]:
    uri = S3Uri.parse(source["S3Uri"])
    return _manifest_files(s3, uri) if source["S3DataType"] == "ManifestFile" else _prefix_files(s3, uri)


def _prefix_files(s3: S3Client, prefix: S3Uri) -> Iterator[ChannelFile]:
    """Every object whose key begins with the prefix; the keys that end in / are folders of the S3 console."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield ChannelFile(S3Uri(prefix.bucket, item["Key"]), _relative(item["Key"], prefix.key))


def _relative(key: str, prefix: str) -> str:
    """A key's path below the prefix; a prefix that ends within a name counts from the start of that name."""
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    return key.removeprefix(folder) if key.startswith(folder) else key[prefix.rfind("/") + 1 :]


def _manifest_files(s3: S3Client, manifest: S3Uri) -> Iterator[ChannelFile]:
    content = s3.get_object(Bucket=manifest.bucket, Key=manifest.key)["Body"].read()
    try:
        yield from [ChannelFile(source, path) for source, path in read_manifest(content)]
    except InvalidManifest as error:
        raise _download_failed(f"The manifest {manifest} {error}") from error


def _download(s3: S3Client, file: ChannelFile, folder: Path, cancelled: Event) -> None:
    if cancelled.is_set():
        return
    if "//" in file.source.key:  # in AWS's words
        raise _download_failed(
            f"Failed to download data. S3 key: {file.source} has an illegal char sub-sequence '//' in it"
        )
    if ".." in PurePosixPath(file.path).parts or file.path.startswith("/"):
        raise _download_failed(f"The key {file.source.key} would be written outside the channel's folder.")
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        body = s3.get_object(Bucket=file.source.bucket, Key=file.source.key)["Body"]
    except ClientError as error:
        raise _download_failed(f"Unable to read {file.source}: {error}") from error
    with target.open("wb") as stream:
        shutil.copyfileobj(body, stream)
