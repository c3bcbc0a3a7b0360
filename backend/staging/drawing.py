"""Pictures of vehicles and of other things as a small camera would take them: 32 x 32 pixels, never twice the same."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from backend.staging.backdrops import draw_backdrop, draw_foreground
from backend.staging.four_wheelers import draw_bus, draw_pickup_truck, draw_streetcar, draw_tractor
from backend.staging.pen import Pen
from backend.staging.things import draw_apple, draw_chair, draw_clock, draw_cup, draw_house, draw_oak_tree
from backend.staging.two_wheelers import draw_bicycle, draw_motorcycle

VERSION = 1
"""Goes up whenever a picture changes."""

_SIZE = 32  # pixels of a finished picture
_CANVAS = 4 * _SIZE  # pixels while drawing: shrinking smooths the edges
_THINGS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "bicycle": draw_bicycle,
    "motorcycle": draw_motorcycle,
    "bus": draw_bus,
    "pickup_truck": draw_pickup_truck,
    "streetcar": draw_streetcar,
    "tractor": draw_tractor,
    "apple": draw_apple,
    "chair": draw_chair,
    "clock": draw_clock,
    "cup": draw_cup,
    "house": draw_house,
    "oak_tree": draw_oak_tree,
}
DRAWN_LABELS: tuple[str, ...] = tuple(_THINGS)


def draw(label: str, split: str, number: int) -> npt.NDArray[np.uint8]:
    """A picture of one of DRAWN_LABELS, uint8 (32, 32, 3) in RGB order; the same arguments give the same picture."""
    rng = np.random.default_rng([zlib.crc32(f"{label} {split}".encode()), number])
    image = draw_backdrop(rng, _CANVAS)
    canvas = ImageDraw.Draw(image)
    _THINGS[label](Pen(canvas, _view(rng)), rng)
    draw_foreground(canvas, rng, _CANVAS)
    return _photograph(image, rng)


def _view(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How the vehicle stands before the camera: side, distance, turn, tilt."""
    scale = _CANVAS * rng.uniform(0.37, 0.58)
    turn = rng.uniform(0.5, 1.0) * rng.choice([-1, 1])  # seen from the side at 1
    tilt = np.radians(rng.normal(0, 6))
    rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    shear = np.array([[turn, rng.normal(0, 0.08)], [rng.normal(0, 0.1), -1.0]])
    centre = np.array([_CANVAS / 2, _CANVAS / 2]) + rng.normal(0, 0.05 * _CANVAS, 2)
    matrix = scale * rotation @ shear
    return np.column_stack([matrix, centre - matrix @ np.array([0.0, 0.6])])


def _photograph(image: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Light, contrast, blur, sensor noise and the shrinking to a small picture."""
    blurred = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 2.5)))
    small = np.asarray(blurred.resize((_SIZE, _SIZE), Image.Resampling.BOX), dtype=float)
    contrast, light = rng.uniform(0.5, 1.05), rng.normal(128, 22)
    cast = rng.normal(1.0, 0.04, 3)
    seen = ((small - 128) * contrast + light) * cast
    noisy = seen + rng.normal(0, rng.uniform(1, 10), seen.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)
