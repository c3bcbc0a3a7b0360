"""Bicycles and motorcycles in side view, with the variety that they have on the road."""

from __future__ import annotations

import numpy as np

from backend.staging.palette import GLASS, METAL, TYRE, grey, paint
from backend.staging.pen import Color, Pen, Point, arc


def draw_bicycle(pen: Pen, rng: np.random.Generator) -> None:
    """A racing, city, mountain or electric bicycle, with or without a rider."""
    frame, thickness = paint(rng), rng.uniform(0.035, 0.075)
    radius = rng.uniform(0.29, 0.37)
    rear, front = (-0.53, radius), (rng.uniform(0.5, 0.58), radius)
    crank: Point = (-0.08, radius - 0.04)
    seat, head = _near(rng, (-0.2, 0.78)), _near(rng, (0.36, 0.84))
    for hub in (rear, front):
        _spoked_wheel(pen, rng, hub, radius)
    low = (head[0] + 0.04, head[1] - 0.14)
    top = seat if rng.random() < 0.7 else (-0.13, 0.5)  # a step-through frame else
    for tube in ([crank, seat], [top, head], [crank, low], [crank, rear], [seat, rear], [head, low, front]):
        pen.line(tube, thickness, frame)
    if rng.random() < 0.3:  # an electric one's battery
        pen.line([_between(crank, low, 0.3), _between(crank, low, 0.8)], thickness * 2.4, grey(rng))
    pen.ring(crank, 0.08, 0.03, grey(rng))
    saddle = (seat[0] - 0.03, seat[1] + 0.12)
    pen.line([seat, saddle], 0.03, METAL)
    pen.line([(saddle[0] - 0.1, saddle[1]), (saddle[0] + 0.12, saddle[1])], 0.06, grey(rng))
    grip = _handlebar(pen, rng, head)
    _bicycle_extras(pen, rng, rear, front, radius)
    if rng.random() < 0.3:
        _rider(pen, rng, saddle, grip, (crank[0] + 0.05, crank[1] - 0.14))


def _spoked_wheel(pen: Pen, rng: np.random.Generator, hub: Point, radius: float) -> None:
    spoke = grey(rng, 90, 200)
    for angle in range(0, 360, int(rng.choice([30, 45, 60]))):
        pen.line([hub, arc(hub, radius, angle, angle + 1)[0]], 0.008, spoke)
    pen.ring(hub, radius, rng.uniform(0.035, 0.085), grey(rng, 15, 70))
    pen.disc(hub, 0.035, METAL)


def _handlebar(pen: Pen, rng: np.random.Generator, head: Point) -> Point:
    """Draws a straight, swept or dropped handlebar; returns the grip."""
    stem = (head[0] + 0.02, head[1] + rng.uniform(0.06, 0.16))
    reach = rng.choice([-0.14, 0.1, 0.14])
    grip = (stem[0] + float(reach), stem[1] + rng.uniform(-0.06, 0.03))
    pen.line([head, stem, grip], 0.035, grey(rng, 20, 140))
    if reach > 0.12:
        pen.line(arc((grip[0], grip[1] - 0.08), 0.08, 90, -90), 0.035, grey(rng))
    return grip


def _bicycle_extras(pen: Pen, rng: np.random.Generator, rear: Point, front: Point, radius: float) -> None:
    if rng.random() < 0.2:  # basket
        pen.box(front[0] - 0.12, 0.78, front[0] + 0.18, 1.0, paint(rng))
    if rng.random() < 0.25:  # rack and bag
        pen.line([(rear[0] - 0.2, 0.74), (rear[0] + 0.28, 0.76)], 0.03, grey(rng))
        if rng.random() < 0.5:
            pen.box(rear[0] - 0.16, 0.42, rear[0] + 0.14, 0.74, paint(rng))
    if rng.random() < 0.3:  # mudguards
        color = paint(rng)
        pen.line(arc(rear, radius + 0.05, 40, 180), 0.03, color)
        pen.line(arc(front, radius + 0.05, 20, 140), 0.03, color)


def draw_motorcycle(pen: Pen, rng: np.random.Generator) -> None:
    """A roadster, racer, trail bike or scooter, with or without a rider."""
    style = str(rng.choice(["roadster", "racer", "trail", "scooter"], p=[0.4, 0.25, 0.2, 0.15]))
    body, radius = paint(rng), rng.uniform(0.2, 0.25) if style == "scooter" else rng.uniform(0.26, 0.33)
    rear, front = _near(rng, (-0.58, radius), 0.01), _near(rng, (0.62, radius), 0.01)
    for hub in (rear, front):
        _cast_wheel(pen, rng, hub, radius, thin=style == "trail")
    head: Point = (0.4, rng.uniform(0.78, 0.88))
    pen.line([front, head], 0.07, grey(rng, 60, 190))
    if style == "scooter":
        _scooter_body(pen, rng, body, rear, head)
    else:
        _engine(pen, rng, rear)
        _tank_and_seat(pen, rng, body, style)
        if style == "racer":
            _fairing(pen, rng, body)
    pen.line(arc(front, radius + 0.06 + 0.1 * (style == "trail"), 30, 130), 0.05, body)
    grip = (head[0] - 0.1, head[1] + rng.uniform(0.08, 0.2))
    pen.line([head, grip], 0.045, grey(rng))
    pen.disc((head[0] + 0.1, head[1] - 0.04), 0.08, (225, 225, 210))
    if rng.random() < 0.2:  # top case
        pen.box(-0.82, 0.8, -0.5, 1.02, grey(rng, 20, 120))
    if rng.random() < 0.3:
        _rider(pen, rng, (-0.25, 0.8), grip, (-0.05, 0.25))


def _cast_wheel(pen: Pen, rng: np.random.Generator, hub: Point, radius: float, thin: bool) -> None:
    pen.ring(hub, radius, 0.07 if thin else rng.uniform(0.1, 0.15), TYRE)
    if rng.random() < 0.5 and not thin:
        pen.disc(hub, radius * 0.62, grey(rng, 80, 190))
    for angle in range(0, 360, 60):
        pen.line([hub, arc(hub, radius, angle, angle + 1)[0]], 0.02 if thin else 0.04, METAL)
    pen.disc(hub, 0.09, grey(rng, 60, 150))


def _engine(pen: Pen, rng: np.random.Generator, rear: Point) -> None:
    metal = grey(rng, 50, 150)
    pen.line([(-0.1, 0.4), rear], 0.06, grey(rng))
    pen.polygon([(-0.28, 0.24), (0.18, 0.2), (0.3, 0.5), (0.1, 0.62), (-0.22, 0.56)], metal)
    pen.disc((-0.08, 0.34), 0.13, grey(rng, 90, 200))
    pen.line(
        [(0.26, 0.34), (0.12, 0.2), (-0.35, 0.24), (rear[0] - 0.1, rng.uniform(0.28, 0.5))], 0.07, grey(rng, 110, 220)
    )


def _tank_and_seat(pen: Pen, rng: np.random.Generator, body: Color, style: str) -> None:
    rise = 0.08 if style == "trail" else 0.0
    tail = rng.uniform(0.0, 0.14)
    pen.polygon(
        [(-0.78, 0.72 + tail), (-0.5, 0.6), (0.0, 0.6), (0.0, 0.68 + rise), (-0.5, 0.74 + rise)], grey(rng, 15, 70)
    )
    pen.polygon([(-0.06, 0.62), (0.3, 0.64), (0.42, 0.78 + rise), (0.26, 0.9 + rise), (0.02, 0.84 + rise)], body)
    pen.line(arc((-0.58, 0.3), 0.4, 60, 150), 0.05, body)


def _fairing(pen: Pen, rng: np.random.Generator, body: Color) -> None:
    second = paint(rng)
    pen.polygon([(0.34, 0.98), (0.62, 0.82), (0.5, 0.5), (0.2, 0.2), (-0.2, 0.22), (0.0, 0.6), (0.24, 0.86)], body)
    pen.polygon([(0.1, 0.55), (0.46, 0.62), (0.3, 0.4), (-0.05, 0.34)], second)
    pen.polygon([(0.24, 0.98), (0.36, 1.08), (0.56, 0.86)], GLASS)


def _scooter_body(pen: Pen, rng: np.random.Generator, body: Color, rear: Point, head: Point) -> None:
    pen.polygon([(rear[0] - 0.22, 0.62), (rear[0] - 0.1, 0.3), (-0.2, 0.2), (-0.1, 0.62), (-0.3, 0.7)], body)
    pen.polygon([(-0.2, 0.18), (0.3, 0.18), (0.3, 0.28), (-0.2, 0.28)], body)
    pen.polygon([(0.22, 0.2), (0.36, 0.2), (head[0] + 0.1, head[1]), (head[0] - 0.06, head[1] + 0.04)], body)
    pen.line([(rear[0] - 0.16, 0.73), (-0.12, 0.72)], 0.1, grey(rng))


def _rider(pen: Pen, rng: np.random.Generator, seat: Point, grip: Point, foot: Point) -> None:
    coat, trousers = paint(rng), paint(rng, 0.5)
    hip = (seat[0] + 0.02, seat[1] + 0.08)
    shoulder = (hip[0] + rng.uniform(0.1, 0.3), hip[1] + rng.uniform(0.34, 0.44))
    knee = (foot[0] + rng.uniform(0.1, 0.2), (hip[1] + foot[1]) / 2 + 0.08)
    pen.line([hip, knee, foot], 0.11, trousers)
    pen.line([hip, shoulder], 0.2, coat)
    pen.line([shoulder, _between(shoulder, grip, 0.5), grip], 0.08, coat)
    skin_or_helmet = (205, 165, 140) if rng.random() < 0.4 else paint(rng)
    pen.disc((shoulder[0] + 0.06, shoulder[1] + 0.18), 0.12, skin_or_helmet)


def _near(rng: np.random.Generator, point: Point, spread: float = 0.03) -> Point:
    return point[0] + float(rng.normal(0, spread)), point[1] + float(rng.normal(0, spread))


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
