"""Images that a stranger hands in: refused before they are decoded, or taken at little cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bombs.measure import measure
from tests.bombs.pictures import BOMBS, LARGE

READERS = {"checked": "InvalidImage: ", "classified": "UnreadableImage: "}
TAKEN = {"checked": {"image/png", "image/jpeg"}, "classified": {"(32, 32, 3)"}}


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    path.write_bytes((BOMBS | LARGE)[request.param]())
    return path


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("picture", BOMBS, indirect=True)
def test_a_bomb_is_refused_at_little_cost(picture: Path, reader: str) -> None:
    taken = measure("tests.bombs.pictures", reader, picture)
    assert taken.answer.startswith(READERS[reader]), taken
    assert taken.is_little, taken


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("picture", LARGE, indirect=True)
def test_the_largest_images_are_taken_at_little_cost(picture: Path, reader: str) -> None:
    taken = measure("tests.bombs.pictures", reader, picture)
    assert taken.answer in TAKEN[reader]
    assert taken.is_little, taken
