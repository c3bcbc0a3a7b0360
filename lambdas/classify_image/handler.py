"""ClassifyImage: asks the endpoint for the probabilities of the image's classes.

Input the output of SerializeImage with `inference_id`, the execution's name; output
`{"inferences": [...], "inference_id": ..., "s3_bucket": ..., "s3_key": ...}`: the image itself is not passed on.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import boto3
from botocore.config import Config

ENDPOINT_NAME = os.environ["ENDPOINT_NAME"]
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_RUNTIME = boto3.client(
    "sagemaker-runtime", config=Config(connect_timeout=3, read_timeout=60, retries={"mode": "standard"})
)


class NotAnImage(Exception):
    """When the bytes are neither a PNG nor a JPEG image."""


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    image = base64.b64decode(event["image_data"], validate=True)
    probabilities = classify(image, event["inference_id"])
    print(json.dumps({"message": "image classified", "inference_id": event["inference_id"], "s3_key": event["s3_key"]}))
    kept = {name: event[name] for name in ("inference_id", "s3_bucket", "s3_key")}
    return {"inferences": probabilities, **kept}


def classify(image: bytes, inference_id: str) -> list[float]:
    """One probability a class; raises NotAnImage, and what InvokeEndpoint raises under its own name."""
    response = _RUNTIME.invoke_endpoint(
        EndpointName=ENDPOINT_NAME,
        ContentType=content_type(image),
        Accept="application/json",
        InferenceId=inference_id,
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
