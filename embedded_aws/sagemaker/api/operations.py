"""What an operation of the control plane is. The table of them all is in control_plane.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from embedded_aws.sagemaker.service import Service

Request = dict[str, Any]
"""A validated request: declared members only, timestamps as epoch seconds."""
Output = dict[str, Any]
"""What is answered as JSON: the members of the operation's output shape, timestamps as epoch seconds."""
Operation = Callable[[Service, Request], Awaitable[Output]]


def in_thread(operation: Callable[[Service, Request], Output]) -> Operation:
    """An operation that may block, on the disk or on a client, made one that does not block the event loop."""

    async def run(service: Service, request: Request) -> Output:
        return await asyncio.to_thread(operation, service, request)

    return run
