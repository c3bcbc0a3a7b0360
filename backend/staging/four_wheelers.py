"""Buses, streetcars, pickup trucks and tractors in side view, for classifiers of more than two classes."""

from __future__ import annotations

import numpy as np

from backend.staging.palette import GLASS, METAL, TYRE, grey, paint
from backend.staging.pen import Color, Pen


def draw_bus(pen: Pen, rng: np.random.Generator) -> None:
    """A city bus or a double-decker."""
    body, length = paint(rng), rng.uniform(0.85, 0.95)
    floors = 2 if rng.random() < 0.25 else 1
    height = 0.78 if floors == 1 else 1.2
    pen.box(-length, 0.12, length, height, body)
    for floor in range(floors):
        _windows(pen, -length + 0.06, length - 0.2, height - 0.34 - 0.46 * floor, height - 0.1 - 0.46 * floor, 6)
    pen.box(length - 0.16, 0.3, length - 0.02, height - 0.1, GLASS)
    pen.box(-length, 0.2, length, rng.uniform(0.24, 0.34), paint(rng))
    for x in (-0.5, 0.58):
        _wheel(pen, rng, x, 0.15)


def draw_streetcar(pen: Pen, rng: np.random.Generator) -> None:
    """A tram on its rails, below its wire."""
    body, upper = paint(rng), paint(rng, 0.3)
    pen.line([(-1.3, 1.15), (1.3, 1.15)], 0.015, grey(rng))
    pen.line([(0.0, 0.84), (-0.14, 1.0), (0.08, 1.15)], 0.03, grey(rng))
    pen.box(-0.95, 0.12, 0.95, 0.46, body)
    pen.polygon([(-0.95, 0.46), (0.95, 0.46), (0.88, 0.86), (-0.88, 0.86)], upper)
    _windows(pen, -0.84, 0.84, 0.48, 0.74, int(rng.integers(5, 8)))
    for x in (-0.55, 0.55):
        pen.box(x - 0.2, 0.03, x + 0.2, 0.12, grey(rng, 15, 50))
    pen.line([(-1.4, 0.01), (1.4, 0.01)], 0.04, METAL)


def draw_pickup_truck(pen: Pen, rng: np.random.Generator) -> None:
    """A truck with a cab before an open bed, sometimes loaded."""
    body, roof = paint(rng), rng.uniform(0.68, 0.78)
    back = rng.uniform(-0.2, 0.0)  # of the cab
    if rng.random() < 0.4:
        pen.box(-0.8, 0.4, back - 0.1, rng.uniform(0.55, 0.75), paint(rng))
    pen.box(-0.9, 0.18, 0.9, 0.46, body)
    pen.polygon([(back, 0.44), (back + 0.04, roof), (0.34, roof), (0.52, 0.46), (0.9, 0.44)], body)
    pen.polygon([(back + 0.08, 0.47), (back + 0.1, roof - 0.06), (0.3, roof - 0.06), (0.44, 0.47)], GLASS)
    for x in (-0.56, 0.58):
        _wheel(pen, rng, x, 0.19)


def draw_tractor(pen: Pen, rng: np.random.Generator) -> None:
    """A farm tractor: a high wheel behind, a low one in front, with or without a cab."""
    body = paint(rng)
    pen.box(-0.1, 0.34, 0.8, 0.68, body)
    pen.box(0.74, 0.38, 0.82, 0.64, grey(rng))
    pen.line([(0.45, 0.68), (0.45, 0.98)], 0.05, grey(rng))
    if rng.random() < 0.6:
        pen.box(-0.52, 0.6, 0.05, 1.08, body)
        pen.box(-0.45, 0.7, -0.02, 1.0, GLASS)
    else:
        pen.box(-0.45, 0.6, -0.2, 0.82, grey(rng))
        pen.line([(-0.02, 0.66), (-0.12, 0.86)], 0.03, grey(rng))
    _wheel(pen, rng, -0.4, rng.uniform(0.36, 0.42), hub=paint(rng))
    _wheel(pen, rng, 0.56, rng.uniform(0.18, 0.25), hub=paint(rng))


def _windows(pen: Pen, left: float, right: float, bottom: float, top: float, count: int) -> None:
    pitch = (right - left) / count
    for index in range(count):
        pen.box(left + index * pitch, bottom, left + (index + 0.82) * pitch, top, GLASS)


def _wheel(pen: Pen, rng: np.random.Generator, x: float, radius: float, hub: Color | None = None) -> None:
    pen.disc((x, radius), radius, TYRE)
    pen.disc((x, radius), radius * 0.5, hub or grey(rng, 110, 200))
