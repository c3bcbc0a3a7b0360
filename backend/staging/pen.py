"""Drawing on a canvas in the coordinates of the thing drawn, as it stands before a camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

Point = tuple[float, float]
"""In a vehicle's coordinates: x forwards and y upwards from the ground, in about half its length."""

Color = tuple[int, int, int]

_CIRCLE_CORNERS = 32


@dataclass(frozen=True)
class Pen:
    """Draws shapes given in a vehicle's coordinates; `view` (2, 3) takes these to pixels, an affine transform."""

    canvas: ImageDraw.ImageDraw
    view: npt.NDArray[np.float64]

    def line(self, points: Sequence[Point], width: float, color: Color) -> None:
        pixels = self._pixels(points)
        size = self._length(width)
        self.canvas.line(pixels, fill=color, width=size, joint="curve" if len(points) < _CIRCLE_CORNERS else None)
        for x, y in (pixels[0], pixels[-1]):  # round ends
            self.canvas.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), fill=color)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        self.canvas.polygon(self._pixels(points), fill=color)

    def box(self, left: float, bottom: float, right: float, top: float, color: Color) -> None:
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], color)

    def disc(self, centre: Point, radius: float, color: Color) -> None:
        self.polygon(arc(centre, radius), color)

    def ring(self, centre: Point, radius: float, width: float, color: Color) -> None:
        self.line([*arc(centre, radius), (centre[0] + radius, centre[1])], width, color)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        x, y = self.view @ np.vstack([np.asarray(points, dtype=float).T, np.ones(len(points))])
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def _length(self, length: float) -> int:
        scale = math.sqrt(abs(np.linalg.det(self.view[:, :2])))
        return max(1, round(length * scale))


def arc(centre: Point, radius: float, start: float = 0.0, end: float = 360.0) -> list[Point]:
    """Points along a circle, anticlockwise between two angles in degrees."""
    angles = np.radians(np.linspace(start, end, _CIRCLE_CORNERS, endpoint=abs(end - start) < 360.0))
    return [(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in angles]
