"""Images that a person hands in through the browser, to be classified."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from backend.aws.bucket import bucket_errors
from backend.aws.environment import Environment
from backend.aws.names import UPLOADS_PREFIX
from backend.errors import InvalidImage
from backend.progress import Progress, no_progress
from backend.staging.pictures import check_picture
from backend.wording import safe_name
from backend.workflow.batch import run_batch
from backend.workflow.outcome import Execution

MAX_UPLOAD_MB = 4
"""In base64 it must fit into a request of 6 MB to the endpoint."""


def submit_uploads(
    environment: Environment, images: Sequence[tuple[str, bytes]], progress: Progress = no_progress
) -> list[Execution]:
    """Upload images, given as (name, content), and run each through the workflow; a bad file stops all.

    Raises InvalidImage for what is no PNG or JPEG image or too large, AwsRequestError when the bucket refuses.
    """
    types = [_media_type(name, content) for name, content in images]
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


def _media_type(name: str, content: bytes) -> str:
    if len(content) > MAX_UPLOAD_MB << 20:
        raise InvalidImage(f"{name} has {len(content) / 1e6:.1f} MB. Choose an image of {MAX_UPLOAD_MB} MB or less.")
    return check_picture(name, content)
