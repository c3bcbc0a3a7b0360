"""Colors that vehicles, clothes and buildings have."""

from __future__ import annotations

import colorsys

import numpy as np

from backend.staging.pen import Color

GLASS: Color = (120, 150, 170)
METAL: Color = (150, 152, 156)
TYRE: Color = (32, 32, 34)


def paint(rng: np.random.Generator, saturation: float = 1.0) -> Color:
    """A color that a vehicle or a coat may have."""
    hue, value = rng.uniform(0, 1), rng.uniform(0.15, 0.95)
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation * rng.uniform(0.0, 0.9), value)
    return int(255 * red), int(255 * green), int(255 * blue)


def grey(rng: np.random.Generator, low: int = 20, high: int = 90) -> Color:
    """Rubber, leather or iron."""
    value = int(rng.integers(low, high))
    return value, value, min(255, value + 4)
