"""Captured records on their way to S3, while the service runs."""

from __future__ import annotations

import asyncio
import logging

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.capture.records import now_utc
from embedded_aws.sagemaker.capture.spool import CaptureSpool

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN = 0.5
_SECONDS_AFTER_REFUSAL = 5.0


class CaptureDelivery:
    """Uploads what is in the spool, twice a second, and when it is wanted at once. Belongs to one event loop."""

    def __init__(self, account: Account) -> None:
        self.spool = CaptureSpool(account.folder / "capture", account.capture_age_seconds)
        self._s3 = account.s3
        self._uploading = asyncio.Lock()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._deliver_often())

    async def stop(self) -> None:
        """Upload the rest; what S3 does not take is uploaded after the next start."""
        self._ended.set()
        if self._task is not None:
            await self._task
        self.spool.close()
        await self._deliver()

    async def deliver_now(self, endpoint: str) -> None:
        """Upload what an endpoint captured, as far as S3 takes it."""
        self.spool.close(endpoint)
        await self._deliver()

    async def _deliver_often(self) -> None:
        pause = _SECONDS_BETWEEN
        while not await self._ends_within(pause):
            self.spool.roll(now_utc())
            pause = _SECONDS_BETWEEN if await self._deliver() else _SECONDS_AFTER_REFUSAL

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _deliver(self) -> bool:
        async with self._uploading:
            try:
                return await asyncio.to_thread(self.spool.upload, self._s3)
            except OSError:
                _log.exception("captured records could not be read from the spool")
                return False
