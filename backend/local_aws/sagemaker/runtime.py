"""InvokeEndpoint: a request passed on to a container of the endpoint, its answer captured and returned."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from backend.local_aws.sagemaker.capture import Inference
from backend.local_aws.sagemaker.deployment import Deployment, Variant
from backend.local_aws.sagemaker.fleet import KIND
from backend.local_aws.sagemaker.service import Service
from backend.local_aws.sagemaker.worker import Answer, WorkerGone

_MAX_BODY_BYTES = 6_291_456
_MAX_ATTRIBUTES = 1024
_MAX_INFERENCE_ID = 64
_RESTORE_SECONDS = 60.0
_RESTART_SECONDS = 30.0
_ATTEMPTS = 2
_TYPE = "application/x-image"


class RuntimeRefusal(Exception):
    """What InvokeEndpoint answers instead of the model's answer: an error's name, its sentence, an HTTP status."""

    code: ClassVar[str] = "ValidationError"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = {"Message": message, **members}


class ModelError(RuntimeRefusal):
    """When the model's container answered with an error, or not in time."""

    code = "ModelError"
    status = 424


class ServiceUnavailable(RuntimeRefusal):
    """When no container of the endpoint answers."""

    code = "ServiceUnavailable"
    status = 503


class ModelNotReady(RuntimeRefusal):
    """When the endpoint's containers are still being started again."""

    code = "ModelNotReadyException"
    status = 429


async def invoke(request: Request) -> Response:
    """Answer one InvokeEndpoint request."""
    service: Service = request.app.state.service
    name: str = request.path_params["name"]
    try:
        _check_headers(request.headers)
        body = await _read_body(request)
        await _await_restore(service, name)
        deployment, variant, answer = await _ask(service, name, body, request.headers)
        if answer.status != 200:
            raise _model_error(service, name, answer)
    except RuntimeRefusal as refusal:
        return _refuse(refusal)
    except ClientDisconnect:
        return Response(status_code=400)
    service.fleet.capture(deployment, _inference(deployment, variant, body, request.headers, answer))
    return _respond(variant, answer, request.headers)


async def _ask(
    service: Service, name: str, body: bytes, headers: Mapping[str, str]
) -> tuple[Deployment, Variant, Answer]:
    """The answer of a container; one that dies before it answers is asked again, or another is."""
    passed_on = {
        "Content-Type": headers.get("content-type", _TYPE),
        "Accept": headers.get("accept", "application/json"),
    }
    for _ in range(_ATTEMPTS):
        # Nothing is awaited between finding a container and its counting us: it cannot be stopped in between.
        deployment = service.fleet.find(name)
        if deployment is None:
            raise RuntimeRefusal(f"Endpoint {name} of account {service.account} not found.")
        variant = deployment.choose(headers.get("x-amzn-sagemaker-target-variant"))
        if variant is None:
            target = headers["x-amzn-sagemaker-target-variant"]
            raise RuntimeRefusal(f"Variant {target} not found for Endpoint {name} of account {service.account}.")
        worker = variant.least_busy()
        try:
            return deployment, variant, await worker.invoke(body, passed_on)
        except TimeoutError as error:
            message = "Your invocation timed out while waiting for a response from container primary."
            raise ModelError(message, OriginalMessage=message, OriginalStatusCode=0) from error
        except WorkerGone:
            await _await_restart(worker.wait_until_ready(_RESTART_SECONDS))
    raise ServiceUnavailable("The endpoint's container ended before it answered. Try again.")


async def _await_restart(ready: Any) -> None:
    try:
        await asyncio.sleep(0)  # let the container's supervision see that it ended
        await ready
    except TimeoutError as error:
        raise ModelNotReady("The model is not ready to answer: its container is being started again.") from error


async def _await_restore(service: Service, name: str) -> None:
    """After a restart of the service endpoints are brought up again: a request waits for its own."""
    deadline = asyncio.get_running_loop().time() + _RESTORE_SECONDS
    while service.fleet.find(name) is None and asyncio.get_running_loop().time() < deadline:
        endpoint = await asyncio.to_thread(service.store.get, KIND, name)
        if endpoint is None or endpoint.status not in ("SystemUpdating", "Updating"):
            return
        await asyncio.sleep(0.05)


async def _read_body(request: Request) -> bytes:
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _MAX_BODY_BYTES:
            raise RuntimeRefusal(f"Request body is larger than {_MAX_BODY_BYTES} bytes, the most an endpoint takes.")
        parts.append(part)
    return b"".join(parts)


def _check_headers(headers: Mapping[str, str]) -> None:
    if "x-amzn-sagemaker-target-model" in headers:
        raise RuntimeRefusal("TargetModel is for multi-model endpoints; this endpoint serves one model.")
    inference_id = headers.get("x-amzn-sagemaker-inference-id", "ok")
    if not 1 <= len(inference_id) <= _MAX_INFERENCE_ID or not inference_id.isprintable():
        raise RuntimeRefusal(f"InferenceId must have 1 to {_MAX_INFERENCE_ID} printable characters.")
    if len(headers.get("x-amzn-sagemaker-custom-attributes", "")) > _MAX_ATTRIBUTES:
        raise RuntimeRefusal(f"CustomAttributes must have at most {_MAX_ATTRIBUTES} characters.")


def _inference(
    deployment: Deployment, variant: Variant, body: bytes, headers: Mapping[str, str], answer: Answer
) -> Inference:
    return Inference(
        endpoint=deployment.endpoint,
        variant=variant.plan.name,
        input=body,
        input_type=headers.get("content-type", _TYPE),
        output=answer.body,
        output_type=answer.content_type,
        inference_id=headers.get("x-amzn-sagemaker-inference-id"),
        custom_attributes=headers.get("x-amzn-sagemaker-custom-attributes"),
    )


def _respond(variant: Variant, answer: Answer, headers: Mapping[str, str]) -> Response:
    returned = {"x-Amzn-Invoked-Production-Variant": variant.plan.name}
    if attributes := headers.get("x-amzn-sagemaker-custom-attributes"):
        returned["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return Response(answer.body, media_type=answer.content_type, headers=returned)


def _model_error(service: Service, name: str, answer: Answer) -> ModelError:
    original = answer.body.decode("utf-8", errors="replace")
    kind = "client" if answer.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    return ModelError(
        f'Received {kind} error ({answer.status}) from primary with message "{original}". '
        f"See the log group {group} in account {service.account} for more information.",
        OriginalMessage=original,
        OriginalStatusCode=answer.status,
        LogStreamArn=f"arn:aws:logs:{service.region}:{service.account}:log-group:{group}",
    )


def _refuse(refusal: RuntimeRefusal) -> Response:
    return Response(
        json.dumps(refusal.members),
        status_code=refusal.status,
        media_type="application/json",
        headers={"x-amzn-ErrorType": refusal.code},
    )
