"""What a person hands in through the browser: an archive to stage, or images of their own to classify."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from backend import pipeline
from backend.aws_errors import aws_errors
from backend.environment import Environment
from backend.errors import InvalidImage, SourceUnavailable
from backend.progress import Progress, no_progress
from backend.staging import Dataset, LocalArchive
from backend.workflow import Execution, run_batch

UPLOADS_PREFIX = "uploads/"
_CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
_MAX_IMAGE_BYTES = 4 << 20  # in base64 it must fit into a request of 6 MB to the endpoint


def stage_archive(
    environment: Environment, name: str, archive: BinaryIO, labels: Sequence[str], progress: Progress = no_progress
) -> Dataset:
    """As pipeline.stage, from an archive that was handed in; its file is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scones-upload-") as folder:
        path = Path(folder) / _safe_name(name)
        try:
            with path.open("wb") as file:
                archive.seek(0)
                shutil.copyfileobj(archive, file)
        except OSError as error:
            raise SourceUnavailable(f"{name} cannot be written to the disk ({error.strerror}). Free space.") from error
        return pipeline.stage(environment, LocalArchive(path), labels, progress)


def upload_image(environment: Environment, name: str, content: bytes) -> str:
    """Put a PNG or JPEG image into the bucket; returns its key. The same image gets the same key.

    Raises InvalidImage when it is neither or too large, AwsRequestError when the bucket refuses.
    """
    content_type = _content_type(name, content)
    key = f"{UPLOADS_PREFIX}{hashlib.sha256(content).hexdigest()[:12]}-{_safe_name(name)}"
    with aws_errors(f"store {name} in bucket {environment.bucket}"):
        environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=content, ContentType=content_type)
    return key


def submit_images(
    environment: Environment, images: Sequence[tuple[str, bytes]], progress: Progress = no_progress
) -> list[Execution]:
    """Upload images, given as (name, content), and run each through the workflow; a bad file stops all."""
    for name, content in images:
        _content_type(name, content)
    keys = [upload_image(environment, name, content) for name, content in images]
    return run_batch(environment, keys, progress)


def _content_type(name: str, content: bytes) -> str:
    if len(content) > _MAX_IMAGE_BYTES:
        raise InvalidImage(
            f"{name} has {len(content) / 1e6:.1f} MB. Choose an image of {_MAX_IMAGE_BYTES >> 20} MB or less."
        )
    try:
        with Image.open(io.BytesIO(content), formats=list(_CONTENT_TYPES)) as image:
            image.load()  # a damaged file often shows only when it is decoded
            return _CONTENT_TYPES[str(image.format)]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImage(f"{name} is not a PNG or JPEG image, or is damaged. Choose another file.") from error


def _safe_name(name: str) -> str:
    """The file's own name, without folders, safe in a path and in an S3 key."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(name).name).lstrip(".")[-100:] or "upload"
