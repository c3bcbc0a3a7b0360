"""The embedded SageMaker as an ASGI app: the control plane on `POST /`, the runtime below `/endpoints`."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded_aws.refusals import is_disk_full, no_room
from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.api import control_plane, protocol
from embedded_aws.sagemaker.api.exceptions import InternalFailure, ResourceLimitExceeded, ServiceError, UnknownOperation
from embedded_aws.sagemaker.endpoints import runtime
from embedded_aws.sagemaker.service import Service

_log = logging.getLogger(__name__)


def create_app(account: Account) -> Starlette:
    """The service of an account: `app.state.service`. It starts with the app; its end closes the account's registry."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.service = service = Service(account)
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", _control, methods=["POST"]),
            Route("/endpoints/{name}/invocations", _invoke, methods=["POST"]),
        ],
        exception_handlers={
            ServiceError: _service_error,
            HTTPException: _no_such_route,
            OSError: _storage_failure,
            sqlite3.Error: _storage_failure,
            Exception: _internal_failure,
        },
    )


async def _control(request: Request) -> Response:
    operation = protocol.operation_name(request)
    body = await protocol.read_body(request)
    return protocol.answer(await control_plane.perform(request.app.state.service, operation, body))


async def _invoke(request: Request) -> Response:
    return await runtime.invoke(request.app.state.service.fleet, request)


async def _service_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101  Starlette types every handler for Exception
    return protocol.error_answer(error)


async def _no_such_route(request: Request, _error: Exception) -> Response:
    """Operations of SageMaker that are paths of their own, and are not implemented."""
    return protocol.error_answer(
        UnknownOperation(f"The embedded SageMaker does not answer {request.method} {request.url.path}.")
    )


async def _storage_failure(request: Request, error: Exception) -> Response:
    """What the disk has no room for; any other failure of the disk is unforeseen."""
    if not is_disk_full(error):
        raise error
    _log.error("a request failed, as the disk is full: %s", error)
    account = request.app.state.service.account
    return protocol.error_answer(ResourceLimitExceeded(no_room(account.folder)))


async def _internal_failure(_request: Request, error: Exception) -> Response:
    """Anything unforeseen; Starlette raises it again afterwards, so that it is logged with its traceback."""
    return protocol.error_answer(InternalFailure(f"The embedded SageMaker failed: {error!r}. Its log says where."))
