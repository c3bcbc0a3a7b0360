"""Images that a person hands in through the browser, to be classified."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from backend.aws.bucket import write_object
from backend.aws.environment import Environment
from backend.aws.names import UPLOADS_PREFIX
from backend.errors import InvalidImage
from backend.progress import Progress, no_progress, part_of
from backend.staging.pictures import check_picture
from backend.staging.upright import is_upright, open_upright
from backend.wording import count_of, enumerated, safe_name
from backend.workflow.submission import Submission, submit_images

MAX_UPLOAD_MB = 20
"""Of one file, as it is handed in."""
MAX_WORKFLOW_BYTES = 180_000
"""Of an image on its way through the workflow, which carries it in base64 within 256 KiB: as SerializeImage has it."""
_SIDES = (2048, 1600, 1200, 900, 640, 480, 320, 200)
"""Pixels that the longer side of a large image is scaled down to, one after the other, until its file fits."""
_QUALITY = 90  # of a JPEG
_MOST_PROBLEMS = 20
"""That are told of one upload."""
_STORING_SHARE = 0.2  # of the progress; the rest is the workflow


@dataclass(frozen=True)
class PreparedImage:
    """An image as it goes through the workflow, under its original's name; `is_redrawn`: not its original's bytes."""

    name: str
    content: bytes
    media_type: str
    is_redrawn: bool = False


def submit_uploads(
    environment: Environment,
    images: Sequence[tuple[str, bytes]],
    progress: Progress = no_progress,
    *,
    submission: Submission | None = None,
) -> None:
    """Upload images, given as (name, content), and run each through the workflow; several are a batch.

    A bad file is left out and named in the last progress message. Raises InvalidImage when all are bad,
    AwsRequestError when the bucket refuses.
    """
    storing = part_of(progress, 0.0, _STORING_SHARE)
    keys: list[str] = []
    redrawn: list[str] = []
    problems: list[str] = []
    for number, (name, content) in enumerate(images, 1):
        try:
            image = prepare_image(name, content)
        except InvalidImage as error:
            problems.append(str(error))
        else:
            keys.append(_upload(environment, image))
            redrawn += [image.name] if image.is_redrawn else []
        storing(number / len(images), f"Looked at {number} of {len(images)} files.")
    if not keys:
        raise InvalidImage(" ".join(_few(problems)) or "There is no image to submit. Choose one or more.")
    title, sending = count_of(len(keys), "upload"), part_of(progress, _STORING_SHARE, 1.0)
    submit_images(environment, keys, title, sending, submission=submission)
    progress(1.0, _summary(len(keys), len(images), redrawn, problems))


def prepare_image(name: str, content: bytes) -> PreparedImage:
    """Make an image ready for the workflow: upright, and within MAX_WORKFLOW_BYTES; most are as they are.

    Raises InvalidImage for what is no PNG or JPEG image, is damaged or too large.
    """
    if len(content) > MAX_UPLOAD_MB << 20:
        raise InvalidImage(f"{name} has {len(content) / 1e6:.1f} MB. Choose an image of {MAX_UPLOAD_MB} MB or less.")
    media_type = check_picture(name, content)
    if len(content) <= MAX_WORKFLOW_BYTES and is_upright(content):
        return PreparedImage(name, content, media_type)
    image = open_upright(name, content, (_SIDES[0], _SIDES[0]))
    return PreparedImage(name, *_redrawn(image), is_redrawn=True)


def _redrawn(image: Image.Image) -> tuple[bytes, str]:
    """The image as a file that fits, with its media type: a small one as a PNG, else a JPEG as large as may be."""
    if max(image.size) <= _SIDES[-1]:
        return _saved(image, "PNG"), "image/png"
    for side in _SIDES:
        image.thumbnail((side, side), reducing_gap=2.0)
        content = _saved(image, "JPEG", quality=_QUALITY)
        if len(content) <= MAX_WORKFLOW_BYTES:
            break
    return content, "image/jpeg"


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _upload(environment: Environment, image: PreparedImage) -> str:
    """Put an image into the bucket; returns its key. The same image gets the same key."""
    key = f"{UPLOADS_PREFIX}{hashlib.sha256(image.content).hexdigest()[:12]}-{safe_name(image.name)}"
    action = f"store {image.name} in bucket {environment.bucket}"
    write_object(environment, key, image.content, image.media_type, action=action)
    return key


def _summary(submitted: int, chosen: int, redrawn: Sequence[str], problems: Sequence[str]) -> str:
    """What became of the files that were chosen."""
    sentences = [f"{submitted} of {count_of(chosen, 'image')} went through the workflow."]
    if redrawn:
        limit = f"{MAX_WORKFLOW_BYTES:,} bytes"
        sentences.append(f"Turned upright or scaled down to at most {limit}: {enumerated(redrawn)}.")
    if problems:
        sentences += ["Left out:", *_few(problems)]
    return " ".join(sentences)


def _few(problems: Sequence[str]) -> list[str]:
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], *([f"And {more:,} more."] if more > 0 else [])]
