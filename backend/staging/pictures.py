"""Opening an image that a stranger made: a PNG or JPEG of a size that this machine can hold, and nothing else.

The containers have the same limits, in `pictures.py` of image_classification.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from backend.errors import InvalidImage

MAX_PIXELS = 25_000_000  # a large camera's; decoded they take 100 MB
MAX_SIDE = 20_000  # pixels
_MAX_SCANS = 100  # of a JPEG; a progressive one has about ten, and each passes over the whole image again
_START_OF_SCAN = b"\xff\xda"
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg"}  # MPO: a phone's, with a second image
_FORMATS = ("PNG", "JPEG")
_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)  # Pillow's own, higher limits


def check_picture(name: str, content: bytes) -> str:
    """The media type of an image; raises InvalidImage when it is none, is damaged, or has too many pixels."""
    with open_picture(name, content) as image:
        image.draft(None, (1, 1))  # a JPEG is decoded to an eighth of its size: that shows damage as well
        image.load()
        return _MEDIA_TYPES[str(image.format)]


@contextmanager
def open_picture(name: str, content: bytes) -> Iterator[Image.Image]:
    """An image that may be decoded within the block; raises InvalidImage as `check_picture` does, then as well."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_size(name, image.size)
            if image.format != "PNG" and content.count(_START_OF_SCAN) > _MAX_SCANS:
                raise InvalidImage(f"{name} is a JPEG of more than {_MAX_SCANS} scans. Choose another file.")
            yield image
    except _TOO_MANY_PIXELS as error:
        raise InvalidImage(f"{name} has too many pixels. {_advice()}") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidImage(f"{name} is not a PNG or JPEG image, or is damaged. Choose another file.") from error


def _check_size(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_SIDE:
        raise InvalidImage(f"{name} has {width:,} x {height:,} pixels. {_advice()}")


def _advice() -> str:
    return f"Choose an image of at most {MAX_PIXELS / 1e6:.0f} million, and {MAX_SIDE:,} on a side."
