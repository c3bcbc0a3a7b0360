"""What can be said of a captured picture in numbers: its size, and how bright, rich in contrast and sharp it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.monitoring.plain import Request
from backend.staging.pictures import open_picture

_IMAGE_TYPES = ("image/", "application/x-image")
"""How a content type begins that says image; the second is the built-in image classification's."""
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_LARGE_PIXELS = 4_000_000
"""From here on, one is decoded at a time: it takes up to 5 bytes a pixel."""
_STRIP_PIXELS = 8_192
"""That are computed at once: a large picture takes little memory beside its own, and a small one no threads of BLAS."""
_TOGETHER = 16
"""Pictures that a thread measures before it takes others: handing them over costs as much as measuring one."""

Gray = npt.NDArray[np.float64]
"""Gray levels of 0 to 255, and what is computed of them; shape (height, width)."""

_one_large_picture = threading.Lock()


class PictureState(StrEnum):
    """What became of a request's picture."""

    NOT_CAPTURED = "not captured"
    NOT_A_PICTURE = "not a picture"
    UNDECODABLE = "undecodable"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in numbers, which are None unless it was measured.

    `width` and `height` are pixels as they are stored. The others are of its luma, the 8-bit gray of ITU-R BT.601 that
    Pillow and OpenCV make of colors: `brightness` is the mean, from 0 (black) to 1 (white); `contrast` the standard
    deviation on the same scale, at most 0.5 (called RMS contrast); `sharpness` the variance of the Laplacian in squared
    gray levels of 0 to 255, as `cv2.Laplacian(gray, cv2.CV_64F).var()` gives it: low where a picture is blurred.
    Source of the last: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """

    state: PictureState
    width: int | None = None
    height: int | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None

    @property
    def is_undecodable(self) -> bool:
        return self.state is PictureState.UNDECODABLE


_NOT_CAPTURED = Picture(PictureState.NOT_CAPTURED)
_NOT_A_PICTURE = Picture(PictureState.NOT_A_PICTURE)
_UNDECODABLE = Picture(PictureState.UNDECODABLE)


def measure_all(inputs: Sequence[Request | None], pool: Executor) -> list[Picture]:
    """A picture for each captured request, in their order, measured in the pool; never raises for what was captured.

    Neighbors that are one request (its line holds several predictions) are measured once. A few are measured by the
    caller itself: ask for those of many files together.
    """
    distinct = [request for at, request in enumerate(inputs) if at == 0 or request is not inputs[at - 1]]
    together = [distinct[start : start + _TOGETHER] for start in range(0, len(distinct), _TOGETHER)]
    measured = pool.map(_measure_some, together) if len(together) > 1 else map(_measure_some, together)
    return list(_repeated(inputs, chain.from_iterable(measured)))


def measure_input(request: Request | None) -> Picture:
    """What a request's content type and content tell; never raises for what was captured."""
    if request is None:
        return _NOT_CAPTURED
    is_image = request.observed_content_type.lower().startswith(_IMAGE_TYPES)
    try:
        content = request.content()
    except ValueError:
        return _UNDECODABLE if is_image else _NOT_A_PICTURE
    # An endpoint may take pictures under any other type, and anything else too.
    return measure(content) if is_image or content.startswith(_SIGNATURES) else _NOT_A_PICTURE


def measure(content: bytes) -> Picture:
    """A PNG or JPEG in numbers; UNDECODABLE when it is none, is damaged or has too many pixels. Never raises."""
    try:
        with open_picture("The captured input", content) as image, _turn_of(image):
            luma = _luma(image)
    except Exception:  # whatever a decoder raises for a stranger's bytes, the records beside them are read
        return _UNDECODABLE
    return _measured(luma)


def _measure_some(requests: Sequence[Request | None]) -> list[Picture]:
    return [measure_input(request) for request in requests]


def _repeated(inputs: Sequence[Request | None], distinct: Iterator[Picture]) -> Iterator[Picture]:
    for at, request in enumerate(inputs):
        if at == 0 or request is not inputs[at - 1]:
            picture = next(distinct)
        yield picture


def _turn_of(image: Image.Image) -> AbstractContextManager[object]:
    return _one_large_picture if image.width * image.height >= _LARGE_PIXELS else nullcontext()


def _luma(image: Image.Image) -> npt.NDArray[np.uint8]:
    """8-bit gray of shape (height, width), what is transparent as if it were not."""
    image.draft("L", None)  # a JPEG holds it
    if image.mode.startswith("I;16"):  # Pillow's own conversion takes all above 255 for white
        return (np.asarray(image) >> 8).astype(np.uint8)
    image.load()
    image.info.pop("transparency", None)
    gray = image if image.mode == "L" else image.convert("L")
    return np.frombuffer(gray.tobytes(), np.uint8).reshape(gray.height, gray.width)


def _measured(luma: npt.NDArray[np.uint8]) -> Picture:
    height, width = luma.shape
    framed = _framed(luma)
    rows = max(1, _STRIP_PIXELS // width)
    strips = [_moments(framed[top : top + rows + 2].astype(np.float64)) for top in range(0, height, rows)]
    total, squares, laplacian_total, laplacian_squares = (int(sum(moments)) for moments in zip(*strips, strict=True))
    pixels = width * height
    return Picture(
        PictureState.MEASURED,
        width,
        height,
        brightness=total / pixels / 255,
        contrast=_variance(total, squares, pixels) ** 0.5 / 255,
        sharpness=_variance(laplacian_total, laplacian_squares, pixels),
    )


def _framed(luma: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """With a pixel more on each side, mirrored at the outermost as OpenCV does (BORDER_REFLECT_101)."""
    height, width = luma.shape
    framed = np.zeros((height + 2, width + 2), np.uint8)  # the corners are not looked at
    framed[1:-1, 1:-1] = luma
    framed[0, 1:-1], framed[-1, 1:-1] = luma[min(1, height - 1)], luma[max(height - 2, 0)]
    framed[1:-1, 0], framed[1:-1, -1] = luma[:, min(1, width - 1)], luma[:, max(width - 2, 0)]
    return framed


def _moments(framed: Gray) -> tuple[float, float, float, float]:
    """Sum and sum of squares of the framed pixels, and of their Laplacians: whole numbers, too small to be rounded."""
    pixels = framed[1:-1, 1:-1]
    laplacian = framed[:-2, 1:-1] + framed[2:, 1:-1]
    laplacian += framed[1:-1, :-2]
    laplacian += framed[1:-1, 2:]
    laplacian -= 4 * pixels
    return *_sums(pixels), *_sums(laplacian)


def _sums(values: Gray) -> tuple[float, float]:
    flat = values.ravel()
    return float(np.add.reduce(flat)), float(np.dot(flat, flat))


def _variance(total: int, squares: int, count: int) -> float:
    return (count * squares - total * total) / (count * count)
