"""Opening images that a stranger made, for training and for serving: PNG and JPEG, within limits, brought to a size."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 25_000_000  # a large camera's; decoded they take 100 MB
MAX_SIDE = 20_000  # pixels
_MAX_SCANS = 100  # of a JPEG; a progressive one has about ten, and each passes over the whole image again
_START_OF_SCAN = b"\xff\xda"
_FORMATS = ("PNG", "JPEG")
_LARGE_PIXELS = 4_000_000
"""From here on, one is decoded at a time, and a JPEG no larger than it has to be: see `_DRAFT`."""
_LONGEST = 16
"""How many times its width an image may be long after scaling, or the other way round: more is cut off at the ends."""
_DRAFT = 8
"""How many times the size that is needed a large JPEG keeps when it is decoded to a half, a quarter or an eighth."""

Size = tuple[int, int]
"""Width and height in pixels."""

_one_large_image = threading.Lock()


class UnreadableImage(Exception):
    """When bytes are no image that is taken; the text says why."""


def read_size(content: bytes) -> Size:
    """The size of an image, from its header; raises UnreadableImage."""
    with _opened(content) as image:
        return image.size


def decode(content: bytes, needed: Size) -> Image.Image:
    """The image in RGB, at least as large as needed where it is; raises UnreadableImage."""
    with _opened(content) as image:
        is_large = _pixels(image.size) > _LARGE_PIXELS
        with _one_large_image if is_large else nullcontext():
            if is_large:
                image.draft(None, (_DRAFT * needed[0], _DRAFT * needed[1]))
            image.load()
            return image if image.mode == "RGB" else image.convert("RGB")


def fit(image: Image.Image, size: Size) -> npt.NDArray[np.uint8]:
    """Scaled to cover the size, and cut to it around the centre; uint8 (height, width, 3)."""
    return np.asarray(image if image.size == size else _scale(image, covering(image.size, size), size))


def scale_to_cover(image: Image.Image, side: int) -> Image.Image:
    """Scaled until its shorter side is `side` pixels long; of a very long one, the middle."""
    scaled = covering(image.size, (side, side))
    longest = _LONGEST * side
    return _scale(image, scaled, (min(scaled[0], longest), min(scaled[1], longest)))


def covering(own: Size, size: Size) -> Size:
    """The size of an image that is scaled just enough to cover another."""
    scale = max(size[0] / own[0], size[1] / own[1])
    return max(size[0], round(own[0] * scale)), max(size[1], round(own[1] * scale))


def _scale(image: Image.Image, scaled: Size, kept: Size) -> Image.Image:
    """The middle of the image scaled to a size; what is not kept of it is never made."""
    left, top = (scaled[0] - kept[0]) // 2, (scaled[1] - kept[1]) // 2
    across, down = image.width / scaled[0], image.height / scaled[1]
    box = (
        left * across,
        top * down,
        min((left + kept[0]) * across, image.width),
        min((top + kept[1]) * down, image.height),
    )
    return image.resize(kept, Image.Resampling.BILINEAR, box)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """The image, of which only the header is read yet."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if _pixels(image.size) > MAX_PIXELS or max(image.size) > MAX_SIDE:
                width, height = image.size
                most = f"{MAX_PIXELS:,} are taken, and {MAX_SIDE:,} on a side"
                raise UnreadableImage(f"it has {width:,} x {height:,} pixels, and at most {most}")
            if content.count(_START_OF_SCAN) > _MAX_SCANS:
                raise UnreadableImage(f"it is a JPEG of more than {_MAX_SCANS} scans")
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, higher limits
        raise UnreadableImage(f"it has more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableImage("it is neither PNG nor JPEG") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(str(error)) from error


def _pixels(size: Size) -> int:
    return size[0] * size[1]
