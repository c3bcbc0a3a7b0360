"""Images that a stranger hands in: refused before they are decoded, or taken at little cost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.bombs.measure import measure
from tests.bombs.pictures import BOMBS, LARGE

OF_A_KIND = {
    *("400,000 x 1", "a WEBP", "a TIFF", "a BMP", "a ICO", "a PPM", "a TGA", "a PCX", "a EPS"),
    *("20,000 x 1", "5,000 x 5,000, 16 bits", "5,000 x 5,000, CMYK, progressive"),
}
"""Like another one, which is tried in every run: these only in the slow ones."""


def named(pictures: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow if name in OF_A_KIND else ()) for name in pictures]


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    path.write_bytes((BOMBS | LARGE)[request.param]())
    return path


@pytest.mark.parametrize("picture", named(BOMBS), indirect=True)
def test_a_bomb_is_refused_at_little_cost(picture: Path) -> None:
    taken = measure("tests.bombs.pictures", "both", picture)
    by_the_app, by_the_containers = json.loads(taken.answer)
    assert by_the_app.startswith("InvalidImage: "), taken
    assert by_the_containers.startswith("UnreadableImage: "), taken
    assert taken.is_little, taken


@pytest.mark.parametrize("picture", named(LARGE), indirect=True)
def test_the_largest_images_are_taken_at_little_cost(picture: Path) -> None:
    taken = measure("tests.bombs.pictures", "both", picture)
    by_the_app, by_the_containers = json.loads(taken.answer)
    assert by_the_app in {"image/png", "image/jpeg"}
    assert by_the_containers == "(32, 32, 3)"
    assert taken.is_little, taken
