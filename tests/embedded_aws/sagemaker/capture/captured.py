"""Invocations to capture, and a spool with what came of it in S3."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded_aws.sagemaker.capture.records import CaptureSettings, Invocation
from embedded_aws.sagemaker.capture.spool import MAX_BYTES, CaptureSpool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = datetime(2024, 10, 15, 14, 5, 12, 996_000, UTC)
AGE = 60.0
CONFIG: dict[str, Any] = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]},
}


def settings(**changes: Any) -> CaptureSettings:
    found = CaptureSettings.from_config(CONFIG | changes)
    assert found is not None
    return found


def invocation(**changes: Any) -> Invocation:
    members: dict[str, Any] = {
        "endpoint": "bikes",
        "variant": "AllTraffic",
        "input": b"\x89PNG",
        "input_type": "image/png",
        "output": b"[0.94, 0.06]",
        "output_type": "application/json",
    }
    return Invocation(**members | changes)


class Spooled:
    """A spool, and what came of it in S3."""

    def __init__(self, folder: Path, s3: S3Client, bucket: str, prefix: str, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.s3 = s3
        self.bucket = bucket
        self.prefix = prefix
        self.uri = f"s3://{bucket}/{prefix}"
        self.spool = CaptureSpool(folder, AGE, max_bytes)

    def append(self, inference_id: str, now: datetime = NOW, uri: str | None = None, **members: Any) -> None:
        destination = settings(DestinationS3Uri=self.uri if uri is None else uri)
        self.spool.append(invocation(inference_id=inference_id, **members), destination, now)

    def upload(self) -> bool:
        """Close all files and upload them."""
        self.spool.close()
        return self.spool.upload(self.s3)

    def reopen(self) -> None:
        """As after the end of the process: another spool on the same folder."""
        self.spool = CaptureSpool(self.folder, AGE)

    def objects(self, prefix: str | None = None) -> list[str]:
        page = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/" if prefix is None else prefix)
        return [item["Key"] for item in page.get("Contents", [])]

    def delivered(self) -> list[str]:
        """The inference ids in S3, sorted."""
        bodies = (self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in self.objects())
        return sorted(json.loads(line)["eventMetadata"]["inferenceId"] for body in bodies for line in body.splitlines())


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """A disk that takes no more than this into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
