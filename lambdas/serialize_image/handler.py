"""SerializeImage: reads an image from S3 and passes it on as base64.

Input `{"s3_bucket": ..., "s3_key": ...}`; output the same with `image_data`. Whoever starts an execution chooses the
input, so it is looked at here, and nowhere else.

The state machine goes by the errors' names:

* tried again: StorageThrottled, StorageUnavailable
* not: InvalidInput, BucketMissing, ImageMissing, AccessDenied, StorageRefused, ImageTooLarge, NotAnImage
"""

from __future__ import annotations

import base64
import json
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

MAX_IMAGE_BYTES = 180_000
"""A state passes on 262,144 bytes (Step Functions quotas); base64 takes 4 bytes for 3."""
_MAX_KEY_BYTES = 1024
_MOST_SHOWN = 200  # characters of what was given, in a message
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"})
_UNREACHABLE = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)
# Three attempts of at most 2 + 5 seconds, pauses of at most 1 + 2 and 5 for the image itself are 29 seconds: the
# function has 30, so it always ends under a name of its own.
_S3 = boto3.client(
    "s3", config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
)


class InvalidInput(Exception):
    """When the execution's input names no image."""


class BucketMissing(Exception):
    """When there is no such bucket."""


class ImageMissing(Exception):
    """When there is no such object in the bucket."""


class AccessDenied(Exception):
    """When the function may not read the object."""


class StorageRefused(Exception):
    """When S3 does not give the object for another reason, which it names."""


class StorageThrottled(Exception):
    """When S3 is asked too often. Retried."""


class StorageUnavailable(Exception):
    """When S3 has an outage, or cannot be reached. Retried."""


class ImageTooLarge(Exception):
    """When the image does not fit into the workflow's payload."""


class NotAnImage(Exception):
    """When the object is neither a PNG nor a JPEG image."""


def lambda_handler(event: Any, _context: object) -> dict[str, Any]:
    bucket, key = parse_input(event)
    image = read_image(bucket, key)
    if not image.startswith(_SIGNATURES):
        raise NotAnImage(f"s3://{bucket}/{key} is neither a PNG nor a JPEG image. Choose another.")
    print(json.dumps({"message": "image serialized", "s3_key": key, "bytes": len(image)}))
    return {"image_data": base64.b64encode(image).decode(), "s3_bucket": bucket, "s3_key": key}


def parse_input(event: Any) -> tuple[str, str]:
    """The bucket and the key; raises InvalidInput, which names the field."""
    if not isinstance(event, dict):
        raise InvalidInput(f"The input is {_shown(event)}, and no object. {_WANTED}")
    bucket, key = (_text(event, name) for name in ("s3_bucket", "s3_key"))
    if len(key.encode(errors="replace")) > _MAX_KEY_BYTES:
        raise InvalidInput(f"Field s3_key of the input has more than the {_MAX_KEY_BYTES} bytes of a key. {_WANTED}")
    return bucket, key


def read_image(bucket: str, key: str) -> bytes:
    """The object's bytes, all of them; raises what is above, by kind. What is too large is not read."""
    place = f"s3://{bucket}/{key}"
    try:
        found = _S3.get_object(Bucket=bucket, Key=key)
        body = found["Body"]
        with body:  # not `as`, which is the stream below, without botocore's errors
            check_size(found["ContentLength"], place)
            image: bytes = body.read()
    except exceptions.ClientError as error:
        raise storage_error(error, bucket, place) from error
    except (exceptions.ParamValidationError, UnicodeEncodeError) as error:
        raise InvalidInput(f"No object can be called {_shown(place)}: {error} {_WANTED}") from error
    except _UNREACHABLE as error:
        raise StorageUnavailable(
            f"S3 could not be reached for {place}: {error}. Send the image again later."
        ) from error
    return image


def storage_error(error: exceptions.ClientError, bucket: str, place: str) -> Exception:
    """What S3 answered, by kind: whether it helps to ask again."""
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code == "NoSuchBucket":
        return BucketMissing(f"There is no bucket {bucket}. Name the bucket of the images in field s3_bucket.")
    if status == 404:
        return ImageMissing(f"There is no image {place}. Stage the images again, or send it again.")
    if code in _THROTTLED or status == 429:
        return StorageThrottled(f"S3 is asked too often, and did not give {place}. Send the image again later.")
    if status >= 500:
        return StorageUnavailable(f"S3 has an outage ({code}), and did not give {place}. Send the image again later.")
    if status == 403:
        return AccessDenied(
            f"The workflow may not read {place}: its function reads the project's bucket only. Put the image there."
        )
    return StorageRefused(f"S3 did not give {place}: {error.response['Error'].get('Message') or code} ({code})")


def check_size(size: int, place: str) -> None:
    """Raises ImageTooLarge when an object has more bytes than a state passes on."""
    if size > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            f"{place} has {size:,} bytes, and a workflow passes on {MAX_IMAGE_BYTES:,}. Scale it down, or upload it on "
            "the Test images page, which does so."
        )


_WANTED = 'Give {"s3_bucket": "...", "s3_key": "..."}, the place of one image.'


def _text(event: dict[str, Any], name: str) -> str:
    if name not in event:
        raise InvalidInput(f"Field {name} of the input is missing. {_WANTED}")
    value = event[name]
    if not isinstance(value, str):
        raise InvalidInput(f"Field {name} of the input is {_shown(value)}, and no text. {_WANTED}")
    if not value:
        raise InvalidInput(f"Field {name} of the input is empty. {_WANTED}")
    return value


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:_MOST_SHOWN]
