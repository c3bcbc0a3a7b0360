"""The endpoints in service, and the tasks that change them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from itertools import chain, repeat
from typing import Any

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.capture.delivery import CaptureDelivery
from embedded_aws.sagemaker.capture.records import Invocation, now_utc
from embedded_aws.sagemaker.endpoints.deployment import (
    Deployment,
    DeploymentFailed,
    NothingToServe,
    end_leftovers,
)
from embedded_aws.sagemaker.registry import Query, StoredResource

KIND = "endpoint"
_log = logging.getLogger(__name__)
_MAX_REASON = 1024
_RESTORE_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between two attempts to serve again; the last one for all that follow."""


class EndpointFleet:
    """Brings endpoints up, changes them and takes them down; the registry says what each should be."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._serving: dict[str, Deployment] = {}
        self._existing: set[Deployment] = set()
        """Also those that come up or go down: whatever has to be stopped with the service."""
        self._changes: set[asyncio.Task[None]] = set()
        self._restoring: dict[str, asyncio.Task[None]] = {}
        self._captures = CaptureDelivery(account)

    async def start(self) -> None:
        """Take up the endpoints that an earlier run of the service left."""
        await asyncio.to_thread(end_leftovers, self.account.folder / "endpoints")
        self._captures.start()
        for endpoint in await asyncio.to_thread(self._returning):
            self._restoring[endpoint.name.lower()] = self.begin(self.restore(endpoint))

    async def stop(self) -> None:
        """End every container; what was captured is in S3, or waits on disk for the next start."""
        for change in self._changes:
            change.cancel()
        await asyncio.gather(*self._changes, return_exceptions=True)
        await asyncio.gather(*(deployment.stop() for deployment in self._existing))
        await self._captures.stop()

    def begin(self, change: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a change of an endpoint go on while the request that asked for it is answered."""
        task = asyncio.get_running_loop().create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._end_change)
        return task

    def find(self, name: str) -> Deployment | None:
        """What an endpoint serves now; None when it serves nothing."""
        return self._serving.get(name.lower())

    def capture(self, deployment: Deployment, invocation: Invocation) -> None:
        """Write an invocation down, if the endpoint captures it; on disk when this returns.

        A disk that takes no more loses the record and not the answer, as on SageMaker.
        """
        if deployment.capture is None or not deployment.capture.is_sampled():
            return
        try:
            self._captures.spool.append(invocation, deployment.capture, now_utc())
        except OSError:
            _log.exception("an invocation of endpoint %s is not captured", deployment.endpoint)

    async def restore(self, endpoint: StoredResource) -> None:
        """Serve again what the endpoint served; a change that was under way is begun anew.

        What keeps it from serving may pass: a full disk, an S3 that is down, a container that was killed. It is tried
        again until it serves or is deleted; meanwhile it is not in service, and its failure reason says why.
        """
        if endpoint.status == "Creating":
            await self.serve(endpoint.name, endpoint.body["Serving"])
            return
        plans = [plan for plan in (endpoint.body["Serving"], endpoint.body["Next"]) if plan is not None]
        for pause in chain(_RESTORE_PAUSES, repeat(_RESTORE_PAUSES[-1])):
            failures = []
            for plan in plans:
                failure = await self._bring_back(endpoint.name, plan)
                if failure is None:
                    await self._resume(endpoint, plan)
                    return
                failures.append(failure)
            reason = str(failures[0])[:_MAX_REASON]
            if all(isinstance(failure, NothingToServe) for failure in failures):
                await self._set(endpoint.name, "Failed", Next=None, FailureReason=reason)
                return
            _log.warning("endpoint %s is tried again in %g s: %s", endpoint.name, pause, reason)
            await asyncio.to_thread(self._explain, endpoint.name, reason)
            await asyncio.sleep(pause)

    def is_restoring(self, name: str) -> bool:
        """Whether the endpoint served before the service was started again, and does not yet."""
        task = self._restoring.get(name.lower())
        return task is not None and not task.done()

    async def serve(self, name: str, plan: dict[str, Any], reason: str | None = None) -> None:
        """Serve a plan at an endpoint; `reason` is why an update before failed.

        New containers come up beside the old ones, if there are any, which then finish what they have. When they do
        not come up, the old ones serve on; without old ones the endpoint is Failed.
        """
        before, replacement = self.find(name), self._deployment(name, plan)
        try:
            await replacement.start(self.account)
        except DeploymentFailed as failure:
            await self._roll_back(name, replacement, str(failure)[:_MAX_REASON])
            return
        self._serving[name.lower()] = replacement
        await self._set(name, "InService", Serving=plan, Next=None, FailureReason=reason)
        if before is not None:
            await self._end(before)

    async def reweigh(self, name: str, plan: dict[str, Any]) -> None:
        """Serve a plan that has other weights only: the containers stay."""
        self._serving[name.lower()].reweigh(plan)
        await self._set(name, "InService", Serving=plan, Next=None, FailureReason=None)

    async def take_down(self, name: str) -> None:
        """End an endpoint, bring what it captured to S3, and forget it."""
        if (restoring := self._restoring.get(name.lower())) is not None:
            restoring.cancel()
            await asyncio.wait([restoring])
        deployment = self._serving.pop(name.lower(), None)
        if deployment is not None:
            await self._end(deployment)
            await self._captures.deliver_now(deployment.endpoint)
        await asyncio.to_thread(self.account.registry.delete, KIND, name)

    async def _bring_back(self, name: str, plan: dict[str, Any]) -> DeploymentFailed | None:
        """Serve a plan where nothing serves; returns what kept it from that."""
        deployment = self._deployment(name, plan)
        try:
            await deployment.start(self.account)
        except DeploymentFailed as failure:
            await self._end(deployment)
            return failure
        except asyncio.CancelledError:
            await self._end(deployment)
            raise
        self._serving[name.lower()] = deployment
        return None

    async def _resume(self, endpoint: StoredResource, serving: dict[str, Any]) -> None:
        """An endpoint that serves again is in service, or goes on being updated."""
        following = endpoint.body["Next"]
        if following is not None and serving is not following:
            await self.serve(endpoint.name, following)
            return
        reason = None if following is not None else endpoint.body["FailureReason"]
        await self._set(endpoint.name, "InService", Serving=serving, Next=None, FailureReason=reason)

    async def _roll_back(self, name: str, replacement: Deployment, reason: str) -> None:
        serves = self.find(name) is not None
        if serves:
            await self._set(name, "RollingBack")
        await self._end(replacement)
        await self._set(name, "InService" if serves else "Failed", Next=None, FailureReason=reason)

    def _deployment(self, name: str, plan: dict[str, Any]) -> Deployment:
        deployment = Deployment(name, plan)
        self._existing.add(deployment)
        return deployment

    async def _end(self, deployment: Deployment) -> None:
        await deployment.stop()
        self._existing.discard(deployment)

    def _end_change(self, task: asyncio.Task[None]) -> None:
        self._changes.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("an endpoint could not be changed", exc_info=error)

    def _returning(self) -> list[StoredResource]:
        """The endpoints to bring up again, each with a status that says so; deletions that were under way are done."""
        endpoints = self.account.registry.select(Query(KIND))
        for endpoint in endpoints:
            if endpoint.status == "Deleting":
                self.account.registry.delete(KIND, endpoint.name)
            elif endpoint.status not in ("Creating", "Failed"):
                self._store(endpoint.name, "Updating" if endpoint.body["Next"] else "SystemUpdating")
        return [endpoint for endpoint in endpoints if endpoint.status not in ("Deleting", "Failed")]

    async def _set(self, name: str, status: str, **members: Any) -> None:
        """In a thread: the disk would hold up every request. One change of an endpoint awaits it before the next."""
        await asyncio.to_thread(self._store, name, status, **members)

    def _explain(self, name: str, reason: str) -> None:
        """Say why an endpoint does not serve yet; its status stays."""
        self.account.registry.update(KIND, name, lambda endpoint: endpoint.changed(FailureReason=reason))

    def _store(self, name: str, status: str, **members: Any) -> None:
        self.account.registry.update(KIND, name, lambda endpoint: endpoint.changed(status, **members))
