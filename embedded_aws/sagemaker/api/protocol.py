"""AWS JSON 1.1: `POST /` with the operation in a header, JSON in and out, errors by name in the body."""

from __future__ import annotations

import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from embedded_aws.sagemaker.api.exceptions import SerializationException, ServiceError, UnknownOperation

_TARGET_PREFIX = "SageMaker."
_CONTENT_TYPE = "application/x-amz-json-1.1"


def operation_name(request: Request) -> str:
    """The operation that a request is for; raises UnknownOperation when it names none of SageMaker's."""
    target = request.headers.get("x-amz-target", "")
    if not target.startswith(_TARGET_PREFIX):
        raise UnknownOperation(f"The header X-Amz-Target must name a SageMaker operation, not {target!r}.")
    return target.removeprefix(_TARGET_PREFIX)


async def read_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; nothing at all counts as an empty one. Raises SerializationException."""
    body = await request.body()
    try:
        content = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise SerializationException("The request's body is not JSON.") from error
    if not isinstance(content, dict):
        raise SerializationException("The request's body is not a JSON object.")
    return content


def answer(output: dict[str, Any]) -> Response:
    """An operation's output as a response."""
    return _response(output, 200, {})


def error_answer(error: ServiceError) -> Response:
    """An error as a response: its code in the body, and in the header where SageMaker's REST operations have it."""
    content = {"__type": error.code, error.message_member: error.message}
    return _response(content, error.status, {"x-amzn-ErrorType": error.code})


def _response(content: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(
        json.dumps(content, separators=(",", ":")),
        status_code=status,
        media_type=_CONTENT_TYPE,
        headers={"x-amzn-RequestId": str(uuid.uuid4()), **headers},
    )
