"""Pictures of nothing: covered lenses, blank frames, noise, gradients, patterns and screens, 32 x 32 pixels.

A network that was taught vehicles and animals answers such a picture with whichever of them is nearest, often surely.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_SIZE = 32  # pixels, in both directions
_MAX = 255  # a pixel's highest value

_Picture = npt.NDArray[np.float64]


def draw_blank(split: str, number: int) -> npt.NDArray[np.uint8]:
    """A picture of nothing, uint8 (32, 32, 3) in RGB order; the same arguments give the same picture.

    The kinds take turns by number, so that any run of pictures holds all of them evenly.
    """
    rng = np.random.default_rng([zlib.crc32(f"blank {split}".encode()), number])
    return _KINDS[number % len(_KINDS)](rng).clip(0, _MAX).round().astype(np.uint8)


def _frame(rng: np.random.Generator) -> _Picture:
    """One color all over, black and white among them, with or without a sensor's noise."""
    color = rng.choice([np.zeros(3), np.full(3, _MAX), np.full(3, rng.uniform(0, _MAX)), _color(rng)])
    return _flat(color) + _sensor_noise(rng, rng.choice([0.0, 1.0, 4.0]))


def _covered_lens(rng: np.random.Generator) -> _Picture:
    """Almost black, a little light from one side."""
    return _ramp(rng) * rng.uniform(0, 40) * _tint(rng) + rng.uniform(0, 15) + _sensor_noise(rng, rng.uniform(0, 6))


def _gaussian_noise(rng: np.random.Generator) -> _Picture:
    noise = _grain(rng, lambda shape: rng.normal(0, 1, shape))
    return _flat(_color(rng)) + noise * rng.uniform(10, 90)


def _uniform_noise(rng: np.random.Generator) -> _Picture:
    low, high = sorted(rng.uniform(0, _MAX, 2))
    return _grain(rng, lambda shape: rng.uniform(low, high, shape)) * _tint(rng)


def _salt_and_pepper(rng: np.random.Generator) -> _Picture:
    share = rng.uniform(0.02, 0.5)
    spots = _grain(rng, lambda shape: rng.choice([-1.0, 0.0, 1.0], shape, p=[share / 2, 1 - share, share / 2]))
    return _flat(_color(rng)) + spots * _MAX


def _gradient(rng: np.random.Generator) -> _Picture:
    """From one color to another, straight or around a point."""
    share = _ramp(rng) if rng.random() < 0.6 else _rings(rng)
    return _color(rng) * share + _color(rng) * (1 - share) + _sensor_noise(rng, rng.choice([0.0, 3.0]))


def _pattern(rng: np.random.Generator) -> _Picture:
    """Bands, or a checker of two colors, of any width and at any angle."""
    waves = np.sin(_along(rng) * rng.uniform(3, 40) + rng.uniform(0, 6))
    if rng.random() < 0.4:
        waves = waves * np.sin(_along(rng) * rng.uniform(3, 40))
    share = (waves > 0).astype(float) if rng.random() < 0.5 else (waves + 1) / 2
    return _color(rng) * share + _color(rng) * (1 - share) + _sensor_noise(rng, rng.choice([0.0, 8.0]))


def _screen(rng: np.random.Generator) -> _Picture:
    """Panels, and in them lines of what could be text."""
    picture = _flat(_paper(rng))
    for _ in range(rng.integers(1, 6)):
        top, left = rng.integers(-4, _SIZE, 2)
        height, width = rng.integers(3, _SIZE, 2)
        _fill(picture, top, left, height, width, _paper(rng))
    for top in range(int(rng.integers(0, 6)), _SIZE, int(rng.integers(2, 6))):
        left, ink = int(rng.integers(0, 16)), _color(rng)
        line = slice(left, left + int(rng.integers(4, _SIZE)))
        density = rng.uniform(0.1, 0.9, (len(picture[top, line]), 1))
        picture[top, line] += (ink - picture[top, line]) * density
    return picture


_KINDS: tuple[Callable[[np.random.Generator], _Picture], ...] = (
    *(_frame, _covered_lens, _gaussian_noise, _uniform_noise),
    *(_salt_and_pepper, _gradient, _pattern, _screen),
)


def _color(rng: np.random.Generator) -> _Picture:
    """Any color, half the time a gray one."""
    return np.full(3, rng.uniform(0, _MAX)) if rng.random() < 0.5 else rng.uniform(0, _MAX, 3)


def _paper(rng: np.random.Generator) -> _Picture:
    """What screens are filled with: mostly light or dark, nearly gray."""
    level = rng.uniform(200, _MAX) if rng.random() < 0.6 else rng.uniform(0, 60)
    return _color(rng) if rng.random() < 0.2 else level + rng.uniform(-15, 15, 3)


def _tint(rng: np.random.Generator) -> _Picture:
    return np.ones(3) if rng.random() < 0.5 else rng.uniform(0.3, 1, 3)


def _flat(color: _Picture) -> _Picture:
    return np.tile(color, (_SIZE, _SIZE, 1)).astype(float)


def _sensor_noise(rng: np.random.Generator, deviation: float) -> _Picture:
    return rng.normal(0, 1, (_SIZE, _SIZE, 3)) * deviation


def _grain(rng: np.random.Generator, draw: Callable[[tuple[int, ...]], npt.NDArray[np.float64]]) -> _Picture:
    """Noise of grains one to eight pixels wide, gray or by color."""
    width = int(rng.choice([1, 1, 2, 4, 8]))
    grains = draw((_SIZE // width, _SIZE // width, int(rng.choice([1, 3]))))
    return np.broadcast_to(grains.repeat(width, 0).repeat(width, 1), (_SIZE, _SIZE, 3))


def _along(rng: np.random.Generator) -> _Picture:
    """How far each pixel is in some direction, about -0.7 to 0.7; shape (32, 32, 1)."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:_SIZE, 0:_SIZE] / (_SIZE - 1) - 0.5
    along: _Picture = rows * np.sin(angle) + columns * np.cos(angle)
    return along[:, :, None]


def _ramp(rng: np.random.Generator) -> _Picture:
    """From 0 on one side to 1 on the other."""
    along = _along(rng)
    return np.interp(along, (along.min(), along.max()), (0, 1))


def _rings(rng: np.random.Generator) -> _Picture:
    """From 0 at some point to 1 far from it."""
    rows, columns = np.mgrid[0:_SIZE, 0:_SIZE] / (_SIZE - 1)
    row, column = rng.uniform(0, 1, 2)
    distance: _Picture = np.hypot(rows - row, columns - column)
    return distance.clip(0, 1)[:, :, None]


def _fill(picture: _Picture, top: int, left: int, height: int, width: int, color: _Picture) -> None:
    picture[max(top, 0) : top + height, max(left, 0) : left + width] = color
