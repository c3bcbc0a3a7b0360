"""Opening images that a stranger made: PNG and JPEG, within limits, brought to a size.

Training and serving see an image through the same function, `prepare`. Its pixels are those of OpenCV's
`imdecode(..., IMREAD_COLOR)`, with which MXNet, and so the built-in algorithm, reads images.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

MAX_PIXELS = 25_000_000  # a large camera's; decoded they take 100 MB
MAX_SIDE = 20_000  # pixels
_MAX_SCANS = 100  # of a JPEG; a progressive one has about ten, and each passes over the whole image again
_START_OF_SCAN = b"\xff\xda"
_FORMATS = ("PNG", "JPEG")
_LARGE_PIXELS = 4_000_000
"""From here on, one is decoded at a time, and a JPEG no larger than it has to be: see `_DRAFT`."""
_LONGEST = 16
"""How many times its width an image may be long after scaling, or the other way round: more is cut off at the ends."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings an image of an EXIF orientation upright (Exif 2.32, tag 0x0112)."""
_LYING = frozenset({5, 6, 7, 8})
"""The orientations of images that are stored on their side."""
_DRAFT = 8
"""How many times the size that is needed a large JPEG keeps when it is decoded to a half, a quarter or an eighth."""

Size = tuple[int, int]
"""Width and height in pixels."""

_one_large_image = threading.Lock()


class UnreadableImage(Exception):
    """When bytes are no image that is taken; the text says why."""


def read_size(content: bytes) -> Size:
    """The size of an image as it is looked at, from its header; raises UnreadableImage."""
    with _opened(content) as image:
        if image.format == "PNG" and b"eXIf" in content:  # it may stand behind the pixels
            with _turn_of(image):
                image.load()
        return _swapped(image.size) if _orientation(image) in _LYING else image.size


def prepare(content: bytes, canvas: Size, resize: int | None) -> npt.NDArray[np.uint8]:
    """An image's pixels, uint8 (height, width, 3) of the canvas's size, in RGB order; raises UnreadableImage.

    With `resize`, the image is first scaled until that is its shorter side.
    """
    side = resize or 0
    image = decode(content, (max(side, canvas[0]), max(side, canvas[1])))
    return fit(image if resize is None else scale_to_cover(image, resize), canvas)


def decode(content: bytes, needed: Size) -> Image.Image:
    """The image upright and in 8-bit RGB, at least as large as needed where it is; raises UnreadableImage."""
    with _opened(content) as image, _turn_of(image):
        if _is_large(image):
            width, height = _swapped(needed) if _orientation(image) in _LYING else needed
            image.draft(None, (_DRAFT * width, _DRAFT * height))
        image.load()
        return _upright(_to_rgb(image), _orientation(image))


def _to_rgb(image: Image.Image) -> Image.Image:
    """8-bit colors as OpenCV makes them: the high byte of 16 bits, transparency passed over, ink by its formula."""
    if image.mode.startswith("I;16"):  # Pillow's own conversion takes all above 255 for white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "CMYK":
        ink = np.asarray(image)
        light = 255 - ink[:, :, 3:].astype(np.uint16)
        return Image.fromarray((light - (ink[:, :, :3] * light >> 8)).astype(np.uint8))
    image.info.pop("transparency", None)
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _orientation(image: Image.Image) -> int:
    """From 1 to 8, of an image's EXIF data; 1, upright, where it has none that can be read.

    Pillow's `getexif` would look into XMP as well, which OpenCV does not.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        found = exif.get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises many kinds for what a stranger wrote there, and its pixels are good all the same
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


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
            if image.format != "PNG" and content.count(_START_OF_SCAN) > _MAX_SCANS:
                raise UnreadableImage(f"it is a JPEG of more than {_MAX_SCANS} scans")
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, higher limits
        raise UnreadableImage(f"it has more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableImage("it is neither PNG nor JPEG") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(str(error)) from error


def _turn_of(image: Image.Image) -> AbstractContextManager[object]:
    """While a large image is decoded, no other large one is."""
    return _one_large_image if _is_large(image) else nullcontext()


def _is_large(image: Image.Image) -> bool:
    return _pixels(image.size) > _LARGE_PIXELS


def _swapped(size: Size) -> Size:
    return size[1], size[0]


def _pixels(size: Size) -> int:
    return size[0] * size[1]
