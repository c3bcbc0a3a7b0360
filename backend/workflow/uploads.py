"""Images that a person hands in through the browser, to be classified."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from backend.aws.bucket import bucket_errors
from backend.aws.environment import Environment
from backend.aws.names import UPLOADS_PREFIX
from backend.errors import InvalidImage
from backend.progress import Progress, no_progress
from backend.wording import safe_name
from backend.workflow.batch import run_batch
from backend.workflow.outcome import Execution

MAX_UPLOAD_MB = 4
"""In base64 it must fit into a request of 6 MB to the endpoint."""
_CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def submit_uploads(
    environment: Environment, images: Sequence[tuple[str, bytes]], progress: Progress = no_progress
) -> list[Execution]:
    """Upload images, given as (name, content), and run each through the workflow; a bad file stops all.

    Raises InvalidImage for what is no PNG or JPEG image or too large, AwsRequestError when the bucket refuses.
    """
    types = [_content_type(name, content) for name, content in images]
    keys = [
        _upload(environment, name, content, content_type)
        for (name, content), content_type in zip(images, types, strict=True)
    ]
    return run_batch(environment, keys, progress)


def _upload(environment: Environment, name: str, content: bytes, content_type: str) -> str:
    """Put an image into the bucket; returns its key. The same image gets the same key."""
    key = f"{UPLOADS_PREFIX}{hashlib.sha256(content).hexdigest()[:12]}-{safe_name(name)}"
    with bucket_errors(environment, f"store {name} in bucket {environment.bucket}"):
        environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=content, ContentType=content_type)
    return key


def _content_type(name: str, content: bytes) -> str:
    if len(content) > MAX_UPLOAD_MB << 20:
        raise InvalidImage(f"{name} has {len(content) / 1e6:.1f} MB. Choose an image of {MAX_UPLOAD_MB} MB or less.")
    try:
        with Image.open(io.BytesIO(content), formats=list(_CONTENT_TYPES)) as image:
            image.load()  # a damaged file often shows only when it is decoded
            return _CONTENT_TYPES[str(image.format)]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImage(f"{name} is not a PNG or JPEG image, or is damaged. Choose another file.") from error
