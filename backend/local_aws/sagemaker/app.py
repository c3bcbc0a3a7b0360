"""The embedded SageMaker as an ASGI app: the control plane on `POST /`, the runtime below `/endpoints`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.local_aws.sagemaker import control_plane, protocol, runtime
from backend.local_aws.sagemaker.errors import InternalFailure, ServiceError, UnknownOperation
from backend.local_aws.sagemaker.service import open_service


def create_app(state_dir: Path, account: str, region: str) -> Starlette:
    """The service on its own folder, opened when the app starts and closed when it ends.

    `app.state.service` is the Service. boto3's environment variables must lead to the other AWS services.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service = open_service(state_dir, account, region)
        app.state.service = service
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", _control, methods=["POST"]),
            Route("/endpoints/{name}/invocations", runtime.invoke, methods=["POST"]),
        ],
        exception_handlers={
            ServiceError: _service_error,
            HTTPException: _no_such_route,
            Exception: _internal_failure,
        },
    )


async def _control(request: Request) -> Response:
    operation = protocol.operation_name(request)
    body = await protocol.read_body(request)
    return protocol.answer(await control_plane.perform(request.app.state.service, operation, body))


async def _service_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101  Starlette types every handler for Exception
    return protocol.error_answer(error)


async def _no_such_route(request: Request, _error: Exception) -> Response:
    """Operations of SageMaker that are paths of their own, and are not implemented."""
    return protocol.error_answer(
        UnknownOperation(f"The embedded SageMaker does not answer {request.method} {request.url.path}.")
    )


async def _internal_failure(_request: Request, error: Exception) -> Response:
    """Anything unforeseen; Starlette raises it again afterwards, so that it is logged with its traceback."""
    return protocol.error_answer(InternalFailure(f"The embedded SageMaker failed: {error!r}. Its log says where."))
