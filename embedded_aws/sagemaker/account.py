"""One account's SageMaker in one region: what jobs, endpoints and operations all need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from embedded_aws.sagemaker.containers.process import ALGORITHM
from embedded_aws.sagemaker.limits import Limits
from embedded_aws.sagemaker.registry import Registry

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

_CLIENT_CONFIG = Config(
    connect_timeout=5, read_timeout=60, retries={"max_attempts": 5, "mode": "standard"}, max_pool_connections=32
)
_DELIVERY_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 1, "mode": "standard"})
"""For logs and metrics, which are delivered again by those who deliver them."""


@dataclass(frozen=True)
class Account:
    """An account id, a region, and where things of both are kept. `folder` is this SageMaker's own.

    `program` is what containers run, as arguments of Python's interpreter; captured files go to S3
    `capture_age_seconds` after their first record.
    """

    id: str
    region: str
    folder: Path
    registry: Registry
    s3: S3Client
    logs: CloudWatchLogsClient
    cloudwatch: CloudWatchClient
    capture_age_seconds: float
    program: Sequence[str] = ALGORITHM
    limits: Limits = field(default_factory=Limits)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource; SageMaker writes the name in lower case, so names differing in case only collide."""
        return f"arn:aws:sagemaker:{self.region}:{self.id}:{kind}/{name.lower()}"


def open_account(
    folder: Path,
    account_id: str,
    region: str,
    capture_age_seconds: float,
    program: Sequence[str] = ALGORITHM,
    limits: Limits | None = None,
) -> Account:
    """An account on its folder, which is created when missing; clients reach AWS as boto3's environment says."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    session = boto3.Session(region_name=region)
    return Account(
        id=account_id,
        region=region,
        folder=folder,
        registry=Registry(folder / "sagemaker.sqlite"),
        s3=_s3_client(session),
        logs=session.client("logs", config=_DELIVERY_CONFIG),
        cloudwatch=session.client("cloudwatch", config=_DELIVERY_CONFIG),
        capture_age_seconds=capture_age_seconds,
        program=program,
        limits=limits or Limits(),
    )


def _s3_client(session: boto3.Session) -> S3Client:
    client = session.client("s3", config=_CLIENT_CONFIG)
    client.meta.events.register("before-parameter-build.s3", _refuse_access_points)
    return client


def _refuse_access_points(params: dict[str, Any], **_event: Any) -> None:
    """There are none here, and botocore would look for their hosts in the network, for a minute."""
    if params["Bucket"].startswith("arn:"):
        raise ParamValidationError(report=f"{params['Bucket']} is no bucket, and there are no access points here")
