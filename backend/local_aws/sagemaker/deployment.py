"""What an endpoint serves now: its variants, each with containers of one model, and what it captures."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backend.local_aws.sagemaker import container
from backend.local_aws.sagemaker.capture import CaptureSettings
from backend.local_aws.sagemaker.log_file import LogFollower
from backend.local_aws.sagemaker.log_stream import LogStream
from backend.local_aws.sagemaker.s3_uri import S3Uri
from backend.local_aws.sagemaker.worker import Worker, WorkerFailed

if TYPE_CHECKING:
    from backend.local_aws.sagemaker.service import Service

_LOG_PATIENCE_SECONDS = 2.0


class DeploymentFailed(Exception):
    """When an endpoint cannot serve what its configuration says; the message is its FailureReason."""


@dataclass(frozen=True)
class VariantPlan:
    """A production variant with the model behind it, kept with the endpoint: its model may be deleted meanwhile."""

    name: str
    weight: float
    instances: int
    image: str
    model_data: str
    variables: Mapping[str, str]


class Variant:
    """A variant in service: as many containers as it has instances, within what the machine has."""

    def __init__(self, plan: VariantPlan, workers: Sequence[Worker], followers: Sequence[LogFollower]) -> None:
        self.plan = plan
        self.workers = workers
        self._followers = followers

    def least_busy(self) -> Worker:
        """The container to ask next; one that is being started again only if there is no other."""
        return min(self.workers, key=lambda worker: (not worker.is_ready, worker.in_flight))

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        for worker, follower in zip(self.workers, self._followers, strict=True):
            await asyncio.to_thread(follower.finish, _LOG_PATIENCE_SECONDS)
            await asyncio.to_thread(shutil.rmtree, worker.folder, ignore_errors=True)


class Deployment:
    """The variants of one endpoint configuration in service."""

    def __init__(self, endpoint: str, variants: Sequence[Variant], capture: CaptureSettings | None) -> None:
        self.endpoint = endpoint
        self.variants = {variant.plan.name: variant for variant in variants}
        self.capture = capture

    def choose(self, target: str | None) -> Variant | None:
        """The variant that a request names, or one by weight; None when it names none of ours."""
        if target is not None:
            return self.variants.get(target)
        variants = list(self.variants.values())
        weights = [variant.plan.weight for variant in variants]
        return random.choices(variants, weights)[0] if sum(weights) else variants[0]  # noqa: S311  no secret

    async def stop(self) -> None:
        """End all containers, after the requests that are under way."""
        while any(worker.in_flight for variant in self.variants.values() for worker in variant.workers):
            await asyncio.sleep(0.02)
        await asyncio.gather(*(variant.stop() for variant in self.variants.values()))


async def deploy(
    service: Service, endpoint: str, plans: Sequence[VariantPlan], capture: Mapping[str, Any] | None
) -> Deployment:
    """Bring up every variant; raises DeploymentFailed when one does not come up, with none left behind."""
    results = await asyncio.gather(*(_bring_up(service, endpoint, plan) for plan in plans), return_exceptions=True)
    variants = [result for result in results if isinstance(result, Variant)]
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        await asyncio.gather(*(variant.stop() for variant in variants))
        raise failures[0]
    return Deployment(endpoint, variants, CaptureSettings.from_config(capture))


async def _bring_up(service: Service, endpoint: str, plan: VariantPlan) -> Variant:
    count = max(1, min(plan.instances, os.cpu_count() or 1))
    workers = []
    followers = []
    for _ in range(count):
        instance = f"i-{uuid.uuid4().hex[:17]}"
        folder = service.state_dir / "endpoints" / instance
        await asyncio.to_thread(_prepare, service, plan, folder)
        worker = Worker(folder, plan.variables)
        worker.log.touch()
        stream = LogStream(service.logs, f"/aws/sagemaker/Endpoints/{endpoint}", f"{plan.name}/{instance}")
        follower = LogFollower(worker.log, stream.deliver)
        follower.start()
        workers.append(worker)
        followers.append(follower)
    variant = Variant(plan, workers, followers)
    try:
        await asyncio.gather(*(worker.start() for worker in workers))
    except WorkerFailed as error:
        await variant.stop()
        raise DeploymentFailed(
            f"The primary container for production variant {plan.name} did not pass the ping health check: {error}. "
            f"Please check CloudWatch logs for this endpoint."
        ) from error
    return variant


def _prepare(service: Service, plan: VariantPlan, folder: Path) -> None:
    """The container's folder with the model in it."""
    model = folder / "model"
    model.mkdir(parents=True, mode=0o700)
    archive = folder / "model.tar.gz"
    place = S3Uri.parse(plan.model_data)
    try:
        service.s3.download_file(place.bucket, place.key, str(archive))
        with tarfile.open(archive) as tar:
            tar.extractall(model, filter="data")
    except (ClientError, BotoCoreError) as error:
        shutil.rmtree(folder)
        raise DeploymentFailed(f"Failed to download model data for {plan.name} from {place}: {error}") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        shutil.rmtree(folder)
        raise DeploymentFailed(f"Failed to extract model data archive {place}: {error}") from error
    archive.unlink()


def end_leftovers(folder: Path) -> None:
    """End the containers that an earlier service left, and remove their folders."""
    for left in folder.glob("i-*"):
        container.end_leftover(left)
        shutil.rmtree(left, ignore_errors=True)
