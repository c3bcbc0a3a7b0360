"""Drawings of things that nobody rides: what a classifier of vehicles has to call something else."""

from __future__ import annotations

import numpy as np

from backend.staging.palette import METAL, grey, paint
from backend.staging.pen import Color, Pen, arc

_BARK: Color = (92, 66, 46)


def draw_apple(pen: Pen, rng: np.random.Generator) -> None:
    """An apple with its stem and a leaf."""
    skin = (int(rng.integers(120, 230)), int(rng.integers(20, 170)), int(rng.integers(20, 60)))
    for x in (-0.18, 0.18):
        pen.disc((x, 0.52), rng.uniform(0.42, 0.5), skin)
    pen.line([(0.0, 0.86), (0.06, 1.12)], 0.06, _BARK)
    pen.polygon([(0.05, 1.0), (0.2, 1.16), (0.44, 1.1), (0.26, 0.96)], _leaf(rng))
    pen.disc((-0.3, 0.72), 0.07, (245, 235, 225))


def draw_chair(pen: Pen, rng: np.random.Generator) -> None:
    """A chair from the side, with a seat, a back and four legs."""
    frame, seat = paint(rng, 0.6), paint(rng)
    back = rng.uniform(-0.5, -0.42)
    for x in (-0.42, -0.3, 0.3, 0.42):
        pen.line([(x, 0.0), (x * 0.95, 0.5)], 0.06, frame)
    pen.box(-0.5, 0.48, 0.5, 0.6, seat)
    for x in (back, back + 0.12):
        pen.line([(x, 0.55), (x - 0.08, 1.2)], 0.06, frame)
    for y in np.linspace(0.75, 1.15, int(rng.integers(2, 5))):
        pen.line([(back - 0.06, float(y)), (back + 0.08, float(y))], 0.05, frame)


def draw_clock(pen: Pen, rng: np.random.Generator) -> None:
    """A round clock on the wall, at any hour."""
    rim, face = paint(rng), grey(rng, 190, 250)
    pen.disc((0.0, 0.6), 0.58, rim)
    pen.disc((0.0, 0.6), 0.5, face)
    for angle in range(0, 360, 30):
        pen.line([arc((0.0, 0.6), radius, angle, angle + 1)[0] for radius in (0.42, 0.48)], 0.03, grey(rng))
    for length in (0.26, 0.4):
        turn = rng.uniform(0, 360)
        pen.line([(0.0, 0.6), arc((0.0, 0.6), length, turn, turn + 1)[0]], 0.05, grey(rng, 10, 50))


def draw_cup(pen: Pen, rng: np.random.Generator) -> None:
    """A cup with its handle, on a saucer or without one."""
    clay = paint(rng, 0.7)
    foot = rng.uniform(0.26, 0.4)
    pen.ring((0.48, 0.55), rng.uniform(0.18, 0.26), 0.09, clay)
    pen.polygon([(-foot, 0.08), (foot, 0.08), (0.5, 0.95), (-0.5, 0.95)], clay)
    pen.polygon([(-0.5, 0.95), (0.5, 0.95), (0.42, 0.86), (-0.42, 0.86)], grey(rng, 30, 120))
    if rng.random() < 0.5:
        pen.polygon([(-0.75, 0.1), (0.75, 0.1), (0.45, 0.0), (-0.45, 0.0)], paint(rng, 0.5))


def draw_house(pen: Pen, rng: np.random.Generator) -> None:
    """A house with a roof, a door and windows."""
    wall, roof, height = paint(rng, 0.5), paint(rng), rng.uniform(0.6, 0.75)
    pen.box(-0.8, 0.0, 0.8, height, wall)
    pen.polygon([(-0.95, height), (0.95, height), (rng.uniform(-0.3, 0.3), height + rng.uniform(0.3, 0.5))], roof)
    door = rng.uniform(-0.5, 0.3)
    pen.box(door, 0.0, door + 0.24, 0.42, grey(rng, 40, 120))
    for x in (-0.65, 0.42):
        pen.box(x, 0.3, x + 0.2, 0.52, (200, 215, 225))


def draw_oak_tree(pen: Pen, rng: np.random.Generator) -> None:
    """A broad tree on its trunk."""
    trunk = rng.uniform(0.08, 0.14)
    pen.polygon([(-trunk - 0.06, 0.0), (trunk + 0.06, 0.0), (trunk, 0.7), (-trunk, 0.7)], _BARK)
    for _ in range(int(rng.integers(6, 11))):
        centre = (float(rng.uniform(-0.5, 0.5)), float(rng.uniform(0.65, 1.05)))
        pen.disc(centre, rng.uniform(0.2, 0.36), _leaf(rng))
    if rng.random() < 0.3:
        pen.line([(-1.0, 0.0), (1.0, 0.0)], 0.03, METAL)


def _leaf(rng: np.random.Generator) -> Color:
    shade = rng.uniform(0.5, 1.0)
    return int(shade * rng.integers(40, 130)), int(shade * rng.integers(110, 180)), int(shade * rng.integers(30, 80))
