"""A staged image's pixels in numbers."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from backend.staging.pictures import check_picture

CHANNELS = ("Red", "Green", "Blue")


@dataclass(frozen=True)
class PixelStatistics:
    """Of each channel, in levels from 0 to 255; sizes in pixels, and in bytes as it is stored."""

    width: int
    height: int
    stored_bytes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    lowest: tuple[int, ...]
    highest: tuple[int, ...]


def pixel_statistics(content: bytes) -> PixelStatistics:
    """Of a PNG or JPEG; raises InvalidImage when it is none."""
    check_picture("It", content)
    with Image.open(io.BytesIO(content)) as image:
        levels = np.asarray(image.convert("RGB")).reshape(-1, len(CHANNELS))
        width, height = image.size
    return PixelStatistics(
        width,
        height,
        len(content),
        tuple(levels.mean(axis=0).tolist()),
        tuple(levels.std(axis=0).tolist()),
        tuple(levels.min(axis=0).tolist()),
        tuple(levels.max(axis=0).tolist()),
    )
