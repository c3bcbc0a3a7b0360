"""The service behind the API: an account, its training queue and its endpoint fleet."""

from __future__ import annotations

import asyncio

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.endpoints.fleet import EndpointFleet
from embedded_aws.sagemaker.training.job_queue import TrainingQueue


class Service:
    """An account's SageMaker at work, from `start` to `stop`."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.training = TrainingQueue(account)
        self.fleet = EndpointFleet(account)

    async def start(self) -> None:
        """Take up what an earlier run of the service left: queued jobs, endpoints in service."""
        await asyncio.to_thread(self.training.start)
        await self.fleet.start()

    async def stop(self) -> None:
        """End the jobs and endpoints that run; the registry keeps what they are."""
        try:
            async with asyncio.TaskGroup() as ending:
                ending.create_task(self.fleet.stop())
                ending.create_task(asyncio.to_thread(self.training.stop))
        finally:
            self.account.registry.close()
