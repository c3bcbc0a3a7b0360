"""What is behind and before a vehicle: streets, parks, walls, white studios; poles and hedges."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from backend.staging.palette import paint
from backend.staging.pen import Color


def draw_backdrop(rng: np.random.Generator, size: int) -> Image.Image:
    """A square scene of `size` pixels without its vehicle."""
    image = Image.new("RGB", (size, size), _studio(rng))
    canvas = ImageDraw.Draw(image)
    if rng.random() < 0.25:
        return image
    horizon = int(size * rng.uniform(0.35, 0.8))
    canvas.rectangle((0, 0, size, horizon), fill=_sky_or_wall(rng))
    canvas.rectangle((0, horizon, size, size), fill=_ground(rng))
    for _ in range(rng.integers(2, 9)):
        _clutter(canvas, rng, size, horizon)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 5.0)))


def draw_foreground(canvas: ImageDraw.ImageDraw, rng: np.random.Generator, size: int) -> None:
    """Something between camera and vehicle, in one scene of five: a pole, a hedge or a bin."""
    kind = rng.random()
    left = int(rng.integers(0, size))
    if kind < 0.08:
        canvas.rectangle((left, 0, left + int(rng.integers(3, 9)), size), fill=paint(rng, 0.4))
    elif kind < 0.14:
        top = size - int(rng.integers(12, 40))
        canvas.ellipse((left - 40, top, left + 40, size + 40), fill=_leaves(rng))
    elif kind < 0.2:
        canvas.rectangle((left, size - int(rng.integers(20, 60)), left + 24, size), fill=paint(rng))


def _studio(rng: np.random.Generator) -> Color:
    value = int(rng.integers(205, 256))
    return value, value, value


def _sky_or_wall(rng: np.random.Generator) -> Color:
    if rng.random() < 0.5:
        haze = int(rng.integers(0, 70))
        return 140 + haze, 175 + haze // 2, 205 + haze // 2
    return paint(rng, 0.35)


def _ground(rng: np.random.Generator) -> Color:
    if rng.random() < 0.4:
        return _leaves(rng)
    value = int(rng.integers(70, 190))
    return value, value - int(rng.integers(0, 20)), value - int(rng.integers(0, 40))


def _leaves(rng: np.random.Generator) -> Color:
    shade = rng.uniform(0.4, 1.0)
    return int(shade * rng.integers(80, 140)), int(shade * rng.integers(120, 175)), int(shade * rng.integers(50, 100))


def _clutter(canvas: ImageDraw.ImageDraw, rng: np.random.Generator, size: int, horizon: int) -> None:
    """A tree, a house, a parked car, or a shadow."""
    left, width = int(rng.integers(-20, size)), int(rng.integers(8, 60))
    top = horizon - int(rng.integers(5, 60))
    if rng.random() < 0.4:
        canvas.ellipse((left, top, left + width, horizon + 6), fill=_leaves(rng))
    else:
        canvas.rectangle((left, top, left + width, horizon + int(rng.integers(-4, 12))), fill=paint(rng, 0.5))
