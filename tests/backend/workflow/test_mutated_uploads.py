"""Uploads of many files, changed at random: each is made ready or named with its reason, and none fails the others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidImage
from backend.staging.upright import make_showable
from backend.workflow.uploads import MAX_WORKFLOW_BYTES, prepare_image
from tests.mutating import run, with_changes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged EXIF, which is what is handed in


def _saved(mode: str, kind: str, size: tuple[int, int], **options: object) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert("L" if mode == "I;16" else mode)
    buffer = io.BytesIO()
    (image.convert("I;16") if mode == "I;16" else image).save(buffer, kind, **options)
    return buffer.getvalue()


def _sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


ORIGINALS = [
    *(_saved(mode, "PNG", (24, 16)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(_saved(mode, "JPEG", (24, 16)) for mode in ("L", "RGB", "CMYK")),
    *(_saved("RGB", kind, (24, 16), exif=_sideways()) for kind in ("PNG", "JPEG")),
    _saved("RGB", "JPEG", (64, 48), progressive=True),
    _saved("RGB", "PNG", (260, 250)),
    _saved("RGB", "GIF", (24, 16)),
    b"Dear Sir or Madam",
    b"",
]
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 12)), max_size=4)


@given(st.sampled_from(ORIGINALS), CHANGES)
def change(original: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    content = with_changes(original, changes)
    try:
        image = prepare_image("photo.jpg", content)
    except InvalidImage as error:
        assert str(error).startswith("photo.jpg ")
        return
    assert len(image.content) <= MAX_WORKFLOW_BYTES
    assert image.is_redrawn or image.content == content
    with Image.open(io.BytesIO(make_showable(image.content, 192))) as shown:
        shown.load()
        assert shown.mode in {"1", "L", "LA", "P", "RGB", "RGBA"}


def test_a_file_that_was_changed_at_random_is_made_ready_or_named() -> None:
    run(300, change)


@pytest.mark.slow
def test_10_000_files_that_were_changed_at_random_are_made_ready_or_named() -> None:
    run(10_000, change)
