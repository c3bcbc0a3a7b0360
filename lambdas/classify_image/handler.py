"""ClassifyImage: asks the endpoint for the probabilities of the image's classes.

Input the output of SerializeImage with `inference_id`, the execution's name; output
`{"inferences": [...], "inference_id": ..., "s3_bucket": ..., "s3_key": ...}` with the id that the endpoint was given:
the image itself is not passed on.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from typing import Any

import boto3
from botocore.config import Config

ENDPOINT_NAME = os.environ["ENDPOINT_NAME"]
_MAX_ID = 64
_DIGITS = 16
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_RUNTIME = boto3.client(
    "sagemaker-runtime", config=Config(connect_timeout=3, read_timeout=60, retries={"mode": "standard"})
)


class NotAnImage(Exception):
    """When the bytes are neither a PNG nor a JPEG image."""


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    image = base64.b64decode(event["image_data"], validate=True)
    identifier = inference_id(event["inference_id"])
    probabilities = classify(image, identifier)
    kept = {"inference_id": identifier, "s3_bucket": event["s3_bucket"], "s3_key": event["s3_key"]}
    print(json.dumps({"message": "image classified", "inference_id": identifier, "s3_key": event["s3_key"]}))
    return {"inferences": probabilities, **kept}


def inference_id(name: str) -> str:
    """What InvokeEndpoint takes of an execution's name: itself, or its beginning and a digest of the whole.

    A name may have 80 characters, an id 64, of ASCII. The app finds the execution again by the same rule.
    """
    if len(name) <= _MAX_ID and name.isascii():
        return name
    beginning = re.sub(r"[^!-~]+", "-", name)[: _MAX_ID - 1 - _DIGITS]
    return f"{beginning}~{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def classify(image: bytes, identifier: str) -> list[float]:
    """One probability a class; raises NotAnImage, and what InvokeEndpoint raises under its own name."""
    response = _RUNTIME.invoke_endpoint(
        EndpointName=ENDPOINT_NAME,
        ContentType=content_type(image),
        Accept="application/json",
        InferenceId=identifier,
        Body=image,
    )
    probabilities: list[float] = json.loads(response["Body"].read())
    return probabilities


def content_type(image: bytes) -> str:
    """The media type by the file's first bytes."""
    for signature, media_type in _SIGNATURES.items():
        if image.startswith(signature):
            return media_type
    raise NotAnImage("The object is neither a PNG nor a JPEG image.")
