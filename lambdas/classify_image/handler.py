"""ClassifyImage: asks the endpoint for the probabilities of the image's classes.

Input the output of SerializeImage with `inference_id`, the execution's name; output
`{"inferences": [...], "inference_id": ..., "s3_bucket": ..., "s3_key": ...}` with the id that the endpoint was given:
the image itself is not passed on. The endpoint is told the image's key too, so that what it captures names its image.

The state machine goes by the errors' names:

* tried again: EndpointThrottled, EndpointUnavailable
* not: InvalidInput, NotAnImage, EndpointMissing, AccessDenied, ModelFailed, EndpointRefused, UnexpectedInference, and
  AnswerLost, when the image may have been inferred and captured already
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from typing import Any
from urllib.parse import quote

import boto3
from botocore import exceptions
from botocore.config import Config

ENDPOINT_NAME = os.environ["ENDPOINT_NAME"]
_MAX_ID = 64
_DIGITS = 16
_MAX_ATTRIBUTES = 1024
"""Characters. Source: SageMaker runtime API reference, InvokeEndpoint, CustomAttributes: visible US-ASCII."""
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
_BUSY = frozenset({429, 503})
"""What a model server answers that has not looked at the request."""
# A model has 60 seconds to answer (SageMaker developer guide, "How containers serve requests"). One attempt of at most
# 3 + 62 seconds is within the function's 70, and it is the only one: the client cannot know whether an image whose
# answer it missed was inferred and captured. Whether to ask again is for the state machine, which goes by the error.
_RUNTIME = boto3.client(
    "sagemaker-runtime",
    config=Config(connect_timeout=3, read_timeout=62, retries={"mode": "standard", "total_max_attempts": 1}),
)


class InvalidInput(Exception):
    """When the input is not what SerializeImage returns, with an execution's name."""


class NotAnImage(Exception):
    """When the bytes are neither a PNG nor a JPEG image."""


class EndpointMissing(Exception):
    """When there is no endpoint of that name."""


class AccessDenied(Exception):
    """When the function may not invoke the endpoint."""


class ModelFailed(Exception):
    """When the model's container answers with an error."""


class EndpointRefused(Exception):
    """When SageMaker does not take the request for another reason, which it names."""


class EndpointThrottled(Exception):
    """When SageMaker is asked too often. Retried."""


class EndpointUnavailable(Exception):
    """When SageMaker has an outage, cannot be reached, or its model is not ready. Retried."""


class AnswerLost(Exception):
    """When the endpoint took the image and no answer came, or a part of one."""


class UnexpectedInference(Exception):
    """When the endpoint's answer is no list: it serves another model, or a broken one."""


def lambda_handler(event: Any, _context: object) -> dict[str, Any]:
    image = parse_image(event)
    identifier, key = inference_id(event["inference_id"]), event["s3_key"]
    probabilities = classify(image, identifier, key)
    print(json.dumps({"message": "image classified", "inference_id": identifier, "s3_key": key}))
    return {"inferences": probabilities, "inference_id": identifier, "s3_bucket": event["s3_bucket"], "s3_key": key}


def parse_image(event: Any) -> bytes:
    """The image's bytes; raises InvalidInput, which names the field, where that or another is no text."""
    for name in ("image_data", "inference_id", "s3_bucket", "s3_key"):
        value = event.get(name) if isinstance(event, dict) else None
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"Field {name} of the input is missing or no text. Give the output of SerializeImage.")
    try:
        return base64.b64decode(event["image_data"], validate=True)
    except ValueError as error:
        raise InvalidInput(f"Field image_data is no base64 ({error}). Give the output of SerializeImage.") from error


def inference_id(name: str) -> str:
    """What InvokeEndpoint takes of an execution's name: itself, or its beginning and a digest of the whole.

    A name may have 80 characters, an id 64, of ASCII. The app finds the execution again by the same rule.
    """
    if len(name) <= _MAX_ID and name.isascii():
        return name
    beginning = re.sub(r"[^!-~]+", "-", name)[: _MAX_ID - 1 - _DIGITS]
    return f"{beginning}~{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def custom_attributes(key: str) -> dict[str, str]:
    """The image's key as InvokeEndpoint takes it: what is not visible ASCII, and `%`, is percent-encoded UTF-8.

    A key of 1,024 bytes may take three times as many so: what is too long is left out, for half a key names another
    image. Monitoring decodes by the same rule.
    """
    encoded = quote(key, safe=_VISIBLE, errors="replace")
    return {"CustomAttributes": encoded} if len(encoded) <= _MAX_ATTRIBUTES else {}


def classify(image: bytes, identifier: str, key: str) -> list[float]:
    """One probability a class; raises what is above, by kind."""
    media_type = content_type(image, key)
    try:
        response = _RUNTIME.invoke_endpoint(
            EndpointName=ENDPOINT_NAME,
            ContentType=media_type,
            Accept="application/json",
            InferenceId=identifier,
            Body=image,
            **custom_attributes(key),
        )
        answer: bytes = response["Body"].read()
    except exceptions.ClientError as error:
        raise endpoint_error(error) from error
    except (exceptions.ReadTimeoutError, exceptions.ResponseStreamingError, exceptions.IncompleteReadError) as error:
        raise AnswerLost(
            f"Endpoint {ENDPOINT_NAME} did not answer in time, or not to the end, for {key}: {error}. It may have "
            "captured the image. See the endpoint's log, and send the image again."
        ) from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise EndpointUnavailable(
            f"Endpoint {ENDPOINT_NAME} could not be reached: {error}. Send the image again later."
        ) from error
    return parse_answer(answer)


def endpoint_error(error: exceptions.ClientError) -> Exception:
    """What SageMaker answered, by kind: whether it helps to ask again."""
    said: dict[str, Any] = {**error.response}
    code, status = said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]
    message = said["Error"].get("Message") or code
    if code in _THROTTLED:
        return EndpointThrottled(f"Endpoint {ENDPOINT_NAME} is asked too often: {message} Send the image again later.")
    if code == "ModelError" and said.get("OriginalStatusCode") not in _BUSY:
        log = said.get("LogStreamArn") or f"/aws/sagemaker/Endpoints/{ENDPOINT_NAME}"
        return ModelFailed(f"The model of endpoint {ENDPOINT_NAME} failed: {message} See its log, {log}.")
    if code in ("ModelError", "ModelNotReadyException") or status >= 500 or status == 429:
        return EndpointUnavailable(
            f"Endpoint {ENDPOINT_NAME} cannot answer for now ({code}): {message} Send the image again later."
        )
    if code == "ValidationError" and "not found" in message:
        return EndpointMissing(
            f"There is no endpoint {ENDPOINT_NAME} in service: {message} Deploy a model on the Deployment page, and "
            "the workflow for it."
        )
    if status == 403:
        return AccessDenied(
            f"The workflow may not invoke endpoint {ENDPOINT_NAME}: {message} Deploy the workflow again."
        )
    return EndpointRefused(f"Endpoint {ENDPOINT_NAME} did not take the image: {message} ({code})")


def parse_answer(answer: bytes) -> list[float]:
    """The list that the endpoint answered; raises UnexpectedInference."""
    try:
        probabilities = json.loads(answer)
    except ValueError:
        probabilities = None
    if not isinstance(probabilities, list):
        raise UnexpectedInference(
            f"Endpoint {ENDPOINT_NAME} answered {answer[:200].decode(errors='replace')!r}, which is no list of "
            "probabilities. Deploy the workflow for an endpoint that classifies images."
        )
    return probabilities


def content_type(image: bytes, key: str) -> str:
    """The media type by the file's first bytes."""
    for signature, media_type in _SIGNATURES.items():
        if image.startswith(signature):
            return media_type
    raise NotAnImage(f"{key} is neither a PNG nor a JPEG image. Choose another.")
