"""What an endpoint serves now: its variants, each with containers of one model, and what it captures."""

from __future__ import annotations

import asyncio
import gzip
import logging
import random
import shutil
import tarfile
import uuid
import zlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.capture.records import CaptureSettings
from embedded_aws.sagemaker.containers.log_file import LogFollower
from embedded_aws.sagemaker.containers.log_stream import LogStream
from embedded_aws.sagemaker.endpoints.worker import Worker, WorkerFailed
from embedded_aws.sagemaker.s3_uri import S3Uri

_log = logging.getLogger(__name__)
_LOG_PATIENCE_SECONDS = 2.0
_MOST_COPIES = 64
"""Of requests that the shadow variants have not answered yet: a slow one misses some, and holds up nobody."""
_BROKEN_ARCHIVE = (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile)


class DeploymentFailed(Exception):
    """When an endpoint cannot serve what its configuration says; the message is its FailureReason."""


class NothingToServe(DeploymentFailed):
    """When the model data is gone or broken, which another attempt does not change."""


@dataclass(frozen=True)
class VariantPlan:
    """A variant, of production or shadow, with the model behind it, kept with the endpoint: that may be deleted."""

    name: str
    weight: float
    instances: int
    image: str
    model_data: str
    variables: Mapping[str, str]


class Variant:
    """A variant with as many containers as it has instances, within what the machine has."""

    def __init__(self, plan: VariantPlan) -> None:
        self.plan = plan
        self.workers: list[Worker] = []
        self._followers: list[LogFollower] = []

    async def start(self, account: Account, endpoint: str) -> None:
        """Bring up the containers; raises DeploymentFailed when one does not come up. Stop it in any case."""
        for _ in range(max(1, min(self.plan.instances, account.limits.cores))):
            await self._add_container(account, endpoint)
        # All of them, so that none is still on its way up when the others are stopped.
        results = await asyncio.gather(*(worker.start() for worker in self.workers), return_exceptions=True)
        for failure in filter(None, results):
            raise _deployment_failure(self.plan.name, failure) from failure

    def least_busy(self) -> Worker:
        """The container to ask next; one that is being started again only if there is no other."""
        return min(self.workers, key=lambda worker: (not worker.is_ready, worker.in_flight))

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        for worker, follower in zip(self.workers, self._followers, strict=True):
            await asyncio.to_thread(follower.finish, _LOG_PATIENCE_SECONDS)
            await asyncio.to_thread(shutil.rmtree, worker.folder, ignore_errors=True)

    async def _add_container(self, account: Account, endpoint: str) -> None:
        instance = f"i-{uuid.uuid4().hex[:17]}"
        folder = account.folder / "endpoints" / instance
        await asyncio.to_thread(_prepare, account, self.plan, folder)
        worker = Worker(folder, account.program, self.plan.variables, account.limits)
        worker.log.touch()
        stream = LogStream(account.logs, f"/aws/sagemaker/Endpoints/{endpoint}", f"{self.plan.name}/{instance}")
        follower = LogFollower(worker.log, stream.deliver)
        follower.start()
        self.workers.append(worker)
        self._followers.append(follower)


class Deployment:
    """The variants of one endpoint configuration, from before they come up until they have ended."""

    def __init__(self, endpoint: str, plan: Mapping[str, Any]) -> None:
        self.endpoint = endpoint
        self.variants = _variants(plan["variants"])
        self.shadows = _variants(plan.get("shadows", []))  # an earlier version's plan has none
        self.capture = CaptureSettings.from_config(plan["capture"])
        self._copies: set[asyncio.Task[None]] = set()

    async def start(self, account: Account) -> None:
        """Bring up every variant; raises DeploymentFailed when one does not come up. Stop it in any case."""
        starts = (variant.start(account, self.endpoint) for variant in self._all())
        results = await asyncio.gather(*starts, return_exceptions=True)
        for failure in filter(None, results):
            if isinstance(failure, DeploymentFailed):
                raise failure
            _log.error("endpoint %s does not come up", self.endpoint, exc_info=failure)
            raise DeploymentFailed(f"InternalServerError: {failure!r}") from failure

    def choose(self, target: str | None) -> Variant | None:
        """The variant that a request names, or one by weight; None when it names none of ours."""
        if target is not None:
            return self.variants.get(target)
        variants = list(self.variants.values())
        weights = [variant.plan.weight for variant in variants]
        return random.choices(variants, weights)[0] if sum(weights) else variants[0]  # noqa: S311  no secret

    def reweigh(self, plan: Mapping[str, Any]) -> None:
        """Take the weights of a plan that is the same otherwise: the containers stay."""
        for given in (*plan["variants"], *plan.get("shadows", [])):
            (self.variants | self.shadows)[given["name"]].plan = VariantPlan(**given)

    def copy_to_shadows(self, ask: Callable[[Variant], Coroutine[Any, Any, None]]) -> None:
        """Ask the shadow variants too, each by its sampling, while the request is answered without them."""
        for shadow in self.shadows.values():
            if len(self._copies) < _MOST_COPIES and self._is_sampled(shadow):
                task = asyncio.get_running_loop().create_task(ask(shadow))
                self._copies.add(task)
                task.add_done_callback(self._copies.discard)

    async def stop(self) -> None:
        """End all containers, after the requests that are under way and their copies."""
        while self._copies or any(worker.in_flight for variant in self._all() for worker in variant.workers):
            await asyncio.sleep(0.02)
        await asyncio.gather(*(variant.stop() for variant in self._all()))

    def _all(self) -> list[Variant]:
        return [*self.variants.values(), *self.shadows.values()]

    def _is_sampled(self, shadow: Variant) -> bool:
        """By the shadow's weight in proportion to the production variant's, all at most."""
        production = sum(variant.plan.weight for variant in self.variants.values())
        return random.random() * production < shadow.plan.weight  # noqa: S311  sampling, not security


def _variants(plans: Sequence[Mapping[str, Any]]) -> dict[str, Variant]:
    return {plan["name"]: Variant(VariantPlan(**plan)) for plan in plans}


def _deployment_failure(variant: str, failure: BaseException) -> BaseException:
    """A container that does not start, in AWS's words; anything else as it is."""
    if not isinstance(failure, WorkerFailed):
        return failure
    return DeploymentFailed(
        f"The primary container for production variant {variant} did not pass the ping health check: {failure}. "
        f"Please check CloudWatch logs for this endpoint."
    )


def _prepare(account: Account, plan: VariantPlan, folder: Path) -> None:
    """The container's folder with the model in it."""
    model = folder / "model"
    archive = folder / "model.tar.gz"
    location = S3Uri.parse(plan.model_data)
    try:
        model.mkdir(parents=True, mode=0o700)
        account.s3.download_file(location.bucket, location.key, str(archive))
        _extract(archive, model)
        archive.unlink()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, (Boto3Error, BotoCoreError, ClientError)):
            raise _download_failure(plan, location, error) from error
        if isinstance(error, _BROKEN_ARCHIVE):
            raise NothingToServe(f"Failed to extract model data archive {location}: {error}") from error
        if isinstance(error, OSError):
            raise DeploymentFailed(f"Failed to write the model data of {plan.name} to {folder}: {error}") from error
        raise


def _download_failure(plan: VariantPlan, location: S3Uri, error: Exception) -> DeploymentFailed:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    kind = NothingToServe if code in ("404", "NoSuchKey", "NoSuchBucket") else DeploymentFailed
    return kind(f"Failed to download model data for {plan.name} from {location}: {error}")


def _extract(archive: Path, folder: Path) -> None:
    with gzip.open(archive) as content, tarfile.open(fileobj=content, mode="r:") as tar:
        tar.extractall(folder, filter="data")
        while content.read(1 << 20):  # up to the checksum at its end, which a tar file's end comes before
            pass


def end_leftovers(folder: Path) -> None:
    """End the containers that an earlier service left, and remove their folders."""
    for left in folder.glob("i-*"):
        Worker.end_leftover(left)
        shutil.rmtree(left, ignore_errors=True)
