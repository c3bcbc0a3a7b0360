"""Images as a person sees them: upright, in 8 bits of red, green and blue or of gray, and no larger than asked for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture

Size = tuple[int, int]
"""Width and height in pixels."""

_FORMATS = ("PNG", "JPEG")
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its orientation. Source: EXIF 2.32, section 4.6.4."""
_SHOWN_AS_THEY_ARE = ("1", "L", "LA", "P", "RGB", "RGBA")  # 8 bits that a PNG can hold
_LONGEST = 4
"""How many times its width a shown image may be high, or the other way round; what is longer gets a margin."""


def open_upright(name: str, content: bytes, most: Size) -> Image.Image:
    """The image of a PNG or JPEG file in RGB, upright, scaled down until it is within `most`; raises InvalidImage."""
    check_picture(name, content)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.draft(None, (2 * max(most), 2 * max(most)))  # a large JPEG is not decoded whole to be made small
            opened = _within(_as_rgb(image), max(most), max(most))
            turn = _turn(image)  # not before: a PNG's EXIF may stand behind its pixels
    except (OSError, SyntaxError, ValueError) as error:  # the check decodes a JPEG to an eighth of its size
        raise InvalidImage(f"{name} is damaged. Choose another file.") from error
    turned = opened if turn is None else opened.transpose(turn)
    return _within(turned, *most)


def is_upright(content: bytes) -> bool:
    """Whether an image that was checked needs no turn to be seen as it was taken."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        image.draft(None, (1, 1))
        image.load()  # a PNG's EXIF may stand behind its pixels
        return _turn(image) is None


def make_showable(content: bytes, width: int) -> bytes:
    """A PNG or JPEG that every browser shows, and Streamlit in this width; raises InvalidImage when it is none.

    What is shown well as it is comes back unchanged.
    """
    check_picture("It", content)
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        is_long = max(image.size) > _LONGEST * min(image.size)
        is_small = image.width <= width and not is_long
        if image.mode in _SHOWN_AS_THEY_ARE and is_small and is_upright(content):
            return content
    shown = open_upright("It", content, (width, _LONGEST * width))
    if max(shown.size) > _LONGEST * min(shown.size):
        short = max(1, max(shown.size) // _LONGEST)
        size = (shown.width, short) if shown.width > shown.height else (short, shown.height)
        shown = ImageOps.pad(shown, size, color="white")
    buffer = io.BytesIO()
    shown.save(buffer, "PNG")
    return buffer.getvalue()


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How to turn the image to make it upright, by its EXIF alone; None when it is, or does not say."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return _TURNS.get(exif.get(_ORIENTATION, 1))
    except Exception:  # a damaged block raises whatever Pillow's parser comes upon; the image is whole without it
        return None


def _as_rgb(image: Image.Image) -> Image.Image:
    """In 8 bits, without what lies behind transparent pixels being mixed in: so it is classified."""
    if image.mode.startswith("I"):  # 16 bits of gray: the upper eight
        gray = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if image.mode == "CMYK":  # by OpenCV's formula, as the containers do
        ink = np.asarray(image)
        light = 255 - ink[:, :, 3:].astype(np.uint16)
        return Image.fromarray((light - (ink[:, :, :3] * light >> 8)).astype(np.uint8))
    if image.mode == "P":
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _within(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled down to fit, never up; no side vanishes."""
    scale = min(width / image.width, height / image.height, 1.0)
    if scale == 1.0:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
