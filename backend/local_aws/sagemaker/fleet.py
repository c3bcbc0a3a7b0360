"""The endpoints in service, and the tasks that change them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from backend.local_aws.sagemaker.capture import CaptureSpool, Inference, now_utc
from backend.local_aws.sagemaker.deployment import Deployment, DeploymentFailed, VariantPlan, deploy, end_leftovers
from backend.local_aws.sagemaker.store import Query, Resource

if TYPE_CHECKING:
    from backend.local_aws.sagemaker.service import Service

KIND = "endpoint"
_log = logging.getLogger(__name__)
_SPOOL_SECONDS = 0.5


class EndpointFleet:
    """Brings endpoints up, changes them and takes them down; the store says what each should be."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._deployments: dict[str, Deployment] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._spool = CaptureSpool(service.state_dir / "capture", _capture_age_seconds())
        self._spooling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up the endpoints that an earlier run of the service left."""
        await asyncio.to_thread(end_leftovers, self._service.state_dir / "endpoints")
        self._spooling = asyncio.create_task(self._upload_captures())
        for endpoint in await asyncio.to_thread(self._service.store.select, Query(KIND)):
            if endpoint.status == "Deleting":
                self._service.store.delete(KIND, endpoint.name)
            elif endpoint.status != "Failed":
                self.begin(self.restore(endpoint))

    async def stop(self) -> None:
        """End every container; what was captured is in S3, or waits on disk for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(deployment.stop() for deployment in self._deployments.values()))
        if self._spooling is not None:
            self._spooling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._spooling
        self._spool.roll()
        await asyncio.to_thread(self._spool.upload, self._service.s3)

    def begin(self, change: Coroutine[Any, Any, None]) -> None:
        """Let a change of an endpoint go on while the request that asked for it is answered."""
        task = asyncio.get_running_loop().create_task(change)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def find(self, name: str) -> Deployment | None:
        """What an endpoint serves now; None when it serves nothing."""
        return self._deployments.get(name.lower())

    def capture(self, deployment: Deployment, inference: Inference) -> None:
        """Write an inference down, if the endpoint captures it; on disk when this returns."""
        if deployment.capture is not None and deployment.capture.is_sampled():
            self._spool.append(inference, deployment.capture, now_utc())

    async def restore(self, endpoint: Resource) -> None:
        """Serve again what the endpoint served; a change that was under way is begun anew."""
        if endpoint.status == "InService":
            self._set(endpoint.name, "SystemUpdating")
        await self.bring_up(endpoint.name, endpoint.body["Serving"])
        if replacement := endpoint.body["Next"]:
            self._set(endpoint.name, "Updating", Next=replacement)
            await self.update(endpoint.name, replacement)

    async def bring_up(self, name: str, plan: dict[str, Any]) -> None:
        """Serve a plan at an endpoint that serves nothing yet; it is InService or Failed afterwards."""
        try:
            self._deployments[name.lower()] = await self._deploy(name, plan)
        except DeploymentFailed as error:
            self._set(name, "Failed", FailureReason=str(error))
            return
        self._set(name, "InService", Next=None)

    async def update(self, name: str, plan: dict[str, Any]) -> None:
        """Serve another plan: the new containers come up beside the old ones, which then finish what they have."""
        try:
            replacement = await self._deploy(name, plan)
        except DeploymentFailed as error:
            self._set(name, "RollingBack")
            self._set(name, "InService", Next=None, FailureReason=str(error))
            return
        before = self._deployments.get(name.lower())
        self._deployments[name.lower()] = replacement
        self._set(name, "InService", Serving=plan, Next=None, FailureReason=None)
        if before is not None:
            await before.stop()

    async def take_down(self, name: str) -> None:
        """End an endpoint, and forget it."""
        deployment = self._deployments.pop(name.lower(), None)
        if deployment is not None:
            await deployment.stop()
        await asyncio.to_thread(self._service.store.delete, KIND, name)

    async def _deploy(self, name: str, plan: dict[str, Any]) -> Deployment:
        variants = [VariantPlan(**variant) for variant in plan["variants"]]
        return await deploy(self._service, name, variants, plan["capture"])

    def _set(self, name: str, status: str, **members: Any) -> None:
        self._service.store.update(KIND, name, lambda endpoint: endpoint.changed(status, **members))

    async def _upload_captures(self) -> None:
        while True:
            await asyncio.sleep(_SPOOL_SECONDS)
            self._spool.roll(now_utc())
            try:
                await asyncio.to_thread(self._spool.upload, self._service.s3)
            except OSError:
                _log.exception("captured records could not be read from the spool")


def _capture_age_seconds() -> float:
    """How long a captured file is written to before it goes to S3: less than AWS's minute, for people who wait."""
    return float(os.environ.get("SCONES_CAPTURE_AGE_SECONDS", "5"))
