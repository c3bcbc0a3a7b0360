"""SerializeImage: reads an image from S3 and passes it on as base64.

Input `{"image_data": "", "s3_bucket": ..., "s3_key": ...}`; output the same with `image_data` filled.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import boto3
from botocore.config import Config

MAX_IMAGE_BYTES = 180_000
"""A state passes on 262,144 bytes (Step Functions quotas); base64 takes 4 bytes for 3."""

_S3 = boto3.client("s3", config=Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard"}))


class ImageMissing(Exception):
    """When there is no such object in the bucket."""


class ImageTooLarge(Exception):
    """When the image does not fit into the workflow's payload."""


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    bucket, key = event["s3_bucket"], event["s3_key"]
    image = read_image(bucket, key)
    print(json.dumps({"message": "image serialized", "s3_key": key, "bytes": len(image)}))
    return {"image_data": base64.b64encode(image).decode(), "s3_bucket": bucket, "s3_key": key}


def read_image(bucket: str, key: str) -> bytes:
    """Raises ImageMissing or ImageTooLarge; never reads more than it may pass on."""
    try:
        body = _S3.get_object(Bucket=bucket, Key=key)["Body"]
    except (_S3.exceptions.NoSuchKey, _S3.exceptions.NoSuchBucket) as error:
        raise ImageMissing(f"There is no image s3://{bucket}/{key}. Stage the images again.") from error
    with body:
        image: bytes = body.read(MAX_IMAGE_BYTES + 1)
    if len(image) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"s3://{bucket}/{key} has more than the {MAX_IMAGE_BYTES} bytes a workflow passes on.")
    return image
