"""InvokeEndpoint: a request passed on to a container of the endpoint, its answer captured and returned."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.capture.records import Invocation
from embedded_aws.sagemaker.endpoints.deployment import Deployment, Variant
from embedded_aws.sagemaker.endpoints.fleet import KIND, EndpointFleet
from embedded_aws.sagemaker.endpoints.refusals import ModelError, ModelNotReady, RuntimeRefusal, ServiceUnavailable
from embedded_aws.sagemaker.endpoints.worker import Answer, WorkerGone, WorkerUnreachable

_MAX_BODY_BYTES = 6_291_456
_MAX_ATTRIBUTES = 1024
_MAX_INFERENCE_ID = 64
_RESTORE_SECONDS = 60.0
_SECONDS_BETWEEN_LOOKS = 0.02
_ATTEMPTS = 3
_TYPE = "application/x-image"
_RETURNING = ("SystemUpdating", "Updating", "RollingBack")
"""What an endpoint is while a service that was started again brings it up."""
_FORWARDED = {
    "content-type": _TYPE,
    "accept": "application/json",
    "x-amzn-sagemaker-custom-attributes": None,
    "x-amzn-sagemaker-inference-id": None,
}
"""The headers that a container sees, with what stands for a missing one."""
_NOT_HERE = {
    "x-amzn-sagemaker-target-model": "TargetModel",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName",
    "x-amzn-sagemaker-enable-explanations": "EnableExplanations",
    "x-amzn-sagemaker-session-id": "SessionId",
}


async def invoke(fleet: EndpointFleet, request: Request) -> Response:
    """Answer one InvokeEndpoint request."""
    name: str = request.path_params["name"]
    try:
        _check_headers(request.headers)
        body = await _read_body(request)
        deployment, variant, answer = await _ask(fleet, name, body, request.headers)
        deployment.copy_to_shadows(partial(_ask_shadow, fleet, deployment, body, request.headers))
        if answer.status != 200:
            raise _model_error(fleet.account, deployment, answer)
    except RuntimeRefusal as refusal:
        return _refuse(refusal)
    except ClientDisconnect:
        return Response(status_code=400)
    fleet.capture(deployment, _invocation(deployment, variant, body, request.headers, answer))
    return _respond(variant, answer)


async def _ask(
    fleet: EndpointFleet, name: str, body: bytes, headers: Mapping[str, str]
) -> tuple[Deployment, Variant, Answer]:
    """The answer of a container; a request whose container died is asked anew, of it or another, but not for ever."""
    passed_on = _passed_on(headers)
    deadline = asyncio.get_running_loop().time() + fleet.account.limits.restart_seconds
    attempts = 0
    while attempts < _ATTEMPTS:
        # Nothing is awaited between finding a container and its counting us: it cannot be stopped in between.
        deployment = await _find(fleet, name)
        variant = _choose(fleet.account, deployment, headers.get("x-amzn-sagemaker-target-variant"))
        worker = variant.least_busy()
        if worker.is_ready:
            try:
                return deployment, variant, await worker.invoke(body, passed_on)
            except TimeoutError as error:
                message = "Your invocation timed out while waiting for a response from container primary."
                raise ModelError(message, OriginalMessage=message, OriginalStatusCode=0) from error
            except WorkerGone:
                attempts += 1
            except WorkerUnreachable:
                pass  # it has ended, which is not noticed yet
        if asyncio.get_running_loop().time() > deadline:
            raise ModelNotReady("The model is not ready to answer: its container is being started again.")
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    raise ServiceUnavailable("The endpoint's container ended before it answered. Try again.")


async def _ask_shadow(
    fleet: EndpointFleet, deployment: Deployment, body: bytes, headers: Mapping[str, str], shadow: Variant
) -> None:
    """Ask a shadow variant what another has answered; what it says is captured, and nobody hears of its failures."""
    with contextlib.suppress(TimeoutError, WorkerGone, WorkerUnreachable):
        answer = await shadow.least_busy().invoke(body, _passed_on(headers))
        if answer.status == 200:
            fleet.capture(deployment, _invocation(deployment, shadow, body, headers, answer))


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """What a container sees of a request's headers."""
    forwarded = {header: headers.get(header, default) for header, default in _FORWARDED.items()}
    return {header: value for header, value in forwarded.items() if value is not None}


async def _find(fleet: EndpointFleet, name: str) -> Deployment:
    """What an endpoint serves; after a restart of the service a request waits until its endpoint is up again."""
    deadline = asyncio.get_running_loop().time() + _RESTORE_SECONDS
    while (deployment := fleet.find(name)) is None:
        endpoint = await asyncio.to_thread(fleet.account.registry.get, KIND, name)
        returns = endpoint is not None and endpoint.status in _RETURNING
        if not returns and fleet.find(name) is None:  # it may have come up while its status was read
            raise RuntimeRefusal(f"Endpoint {name} of account {fleet.account.id} not found.")
        if asyncio.get_running_loop().time() > deadline:
            raise ModelNotReady("The model is not ready to answer: its endpoint is being started again.")
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    return deployment


def _choose(account: Account, deployment: Deployment, target: str | None) -> Variant:
    variant = deployment.choose(target)
    if variant is None:
        endpoint = f"Endpoint {deployment.endpoint} of account {account.id}"
        raise RuntimeRefusal(f"Variant {target} not found for {endpoint}.")
    return variant


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
    for header, member in _NOT_HERE.items():
        if header in headers:
            raise RuntimeRefusal(f"The embedded SageMaker does not support {member}. Leave it out.")
    inference_id = headers.get("x-amzn-sagemaker-inference-id", "ok")
    if not (1 <= len(inference_id) <= _MAX_INFERENCE_ID and inference_id.isascii() and inference_id.isprintable()):
        raise RuntimeRefusal(f"InferenceId must have 1 to {_MAX_INFERENCE_ID} printable ASCII characters.")
    attributes = headers.get("x-amzn-sagemaker-custom-attributes", "")
    if len(attributes) > _MAX_ATTRIBUTES or not attributes.isascii():
        raise RuntimeRefusal(f"CustomAttributes must have at most {_MAX_ATTRIBUTES} ASCII characters.")


def _invocation(
    deployment: Deployment, variant: Variant, body: bytes, headers: Mapping[str, str], answer: Answer
) -> Invocation:
    return Invocation(
        endpoint=deployment.endpoint,
        variant=variant.plan.name,
        input=body,
        input_type=headers.get("content-type", _TYPE),
        output=answer.body,
        output_type=answer.content_type,
        inference_id=headers.get("x-amzn-sagemaker-inference-id"),
        custom_attributes=headers.get("x-amzn-sagemaker-custom-attributes"),
    )


def _respond(variant: Variant, answer: Answer) -> Response:
    headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant.plan.name}
    if answer.custom_attributes is not None:
        headers["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
    return _response(answer.body, 200, headers)


def _model_error(account: Account, deployment: Deployment, answer: Answer) -> ModelError:
    original = answer.body.decode("utf-8", errors="replace")
    kind = "client" if answer.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{deployment.endpoint}"
    return ModelError(
        f'Received {kind} error ({answer.status}) from primary with message "{original}". '
        f"See the log group {group} in account {account.id} for more information.",
        OriginalMessage=original,
        OriginalStatusCode=answer.status,
        LogStreamArn=f"arn:aws:logs:{account.region}:{account.id}:log-group:{group}",
    )


def _refuse(refusal: RuntimeRefusal) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.code}
    return _response(json.dumps(refusal.members).encode(), refusal.status, headers)


def _response(content: bytes, status: int, headers: Mapping[str, str]) -> Response:
    return Response(content, status_code=status, headers={"x-amzn-RequestId": str(uuid.uuid4()), **headers})
