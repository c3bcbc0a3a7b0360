"""The service behind the API: its account, its store, its clients, its training queue and its endpoint fleet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from backend.local_aws.sagemaker.fleet import EndpointFleet
from backend.local_aws.sagemaker.store import Store
from backend.local_aws.sagemaker.training_queue import TrainingQueue

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

_CLIENT_CONFIG = Config(
    connect_timeout=5, read_timeout=60, retries={"max_attempts": 5, "mode": "standard"}, max_pool_connections=32
)
_DELIVERY_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 1, "mode": "standard"})
"""For logs and metrics, which are delivered again by those who deliver them."""


@dataclass
class Service:
    """One account's SageMaker in one region. `state_dir` is this service's own folder."""

    account: str
    region: str
    state_dir: Path
    store: Store
    s3: S3Client
    logs: CloudWatchLogsClient
    cloudwatch: CloudWatchClient
    training: TrainingQueue = field(init=False)
    fleet: EndpointFleet = field(init=False)

    def __post_init__(self) -> None:
        self.training = TrainingQueue(self)
        self.fleet = EndpointFleet(self)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource; SageMaker writes the name in lower case, so names differing in case only collide."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"

    async def start(self) -> None:
        """Take up what an earlier run of the service left: queued jobs, endpoints in service."""
        await asyncio.to_thread(self.training.start)
        await self.fleet.start()

    async def stop(self) -> None:
        """End the jobs and endpoints that run; the store keeps what they are."""
        try:
            async with asyncio.TaskGroup() as ending:
                ending.create_task(self.fleet.stop())
                ending.create_task(asyncio.to_thread(self.training.stop))
        finally:
            self.store.close()


def open_service(state_dir: Path, account: str, region: str) -> Service:
    """A service on its folder, which is created when missing; clients reach AWS as boto3's environment says."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    session = boto3.Session(region_name=region)
    return Service(
        account=account,
        region=region,
        state_dir=state_dir,
        store=Store(state_dir / "sagemaker.sqlite"),
        s3=session.client("s3", config=_CLIENT_CONFIG),
        logs=session.client("logs", config=_DELIVERY_CONFIG),
        cloudwatch=session.client("cloudwatch", config=_DELIVERY_CONFIG),
    )
