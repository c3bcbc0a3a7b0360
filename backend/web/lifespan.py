"""The environment opens before the app answers, and ends with it: on a laptop, that is the embedded AWS.

Between the two the alerts are evaluated, whether anybody visits or not.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend import jobs
from backend.aws.environment import open_environment
from backend.errors import SconesError
from backend.settings import load_settings
from backend.watch import start_watch, stop_watch

_JOBS_SECONDS = 5.0  # to leave nothing half-done


class EnvironmentLifespan:
    """ASGI middleware around the app's whole life; what keeps the environment from opening ends it with a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        startup = await receive()
        try:
            environment = await asyncio.to_thread(lambda: open_environment(load_settings()))
        except SconesError as error:
            await send({"type": "lifespan.startup.failed", "message": f"error: {error}"})
            return
        start_watch(environment)
        try:
            await self._app(scope, _first(startup, receive), send)
        finally:
            await asyncio.to_thread(stop_watch, _JOBS_SECONDS)
            await asyncio.to_thread(jobs.cancel_all, _JOBS_SECONDS)
            await asyncio.to_thread(environment.close)


def _first(message: Message, receive: Receive) -> Receive:
    """Give a message that was received already once more, then whatever comes."""
    pending = [message]

    async def received() -> Message:
        return pending.pop() if pending else await receive()

    return received
