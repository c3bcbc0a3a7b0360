"""Images made upright, small and showable. Oracles: Pillow's own turning by EXIF, and the colors that were put in."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from backend.errors import InvalidImage
from backend.staging.upright import is_upright, make_showable, open_upright

RED, BLUE = (255, 0, 0), (0, 0, 255)


def opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners() -> Image.Image:
    """Four colors in 48 x 32 pixels, another one in each corner."""
    image = Image.new("RGB", (48, 32), RED)
    image.paste(BLUE, (24, 0, 48, 16))
    image.paste((0, 255, 0), (0, 16, 24, 32))
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_taken_sideways_is_seen_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(corners(), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(opened(content)).convert("RGB")).astype(int)
    found = np.asarray(open_upright("it", content, (100, 100))).astype(int)
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= 1
    shown = np.asarray(opened(make_showable(content, 192)).convert("RGB")).astype(int)
    assert shown.shape == expected.shape or orientation == 1
    assert abs(shown - expected).max() <= 1


def test_a_png_whose_exif_stands_behind_its_pixels_is_seen_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(corners(), "PNG", exif=exif)
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]  # before IEND
    assert moved.index(b"IDAT") < moved.index(b"eXIf")
    assert not is_upright(moved)
    assert opened(make_showable(moved, 192)).size == (32, 48)


def test_a_cmyk_jpeg_is_shown_in_its_colors() -> None:
    content = saved(Image.new("RGB", (40, 30), RED).convert("CMYK"), quality=95)
    assert opened(content).mode == "CMYK"
    shown = opened(make_showable(content, 192))
    assert (shown.format, shown.mode, shown.size) == ("PNG", "RGB", (40, 30))
    assert np.abs(np.asarray(shown).astype(int) - RED).max() < 12


def test_16_bits_of_gray_are_shown_as_gray_as_they_are() -> None:
    gray = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
    content = saved(Image.fromarray(gray), "PNG")
    assert opened(content).mode == "I;16"
    shown = np.asarray(opened(make_showable(content, 192)))
    np.testing.assert_array_equal(shown[..., 0], gray // 256)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_what_is_shown_well_is_left_as_it_is(mode: str) -> None:
    content = saved(corners().convert(mode), "PNG")
    assert make_showable(content, 192) == content


@pytest.mark.parametrize("size", [(5000, 4000), (20_000, 1), (1, 20_000), (193, 100)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_or_long_image_is_shown_small_and_in_shape(size: tuple[int, int], kind: str) -> None:
    shown = opened(make_showable(saved(Image.new("RGB", size, RED), kind), 192))
    assert shown.width <= 192
    assert max(shown.size) <= 4 * min(shown.size) + 3
    assert min(shown.size) >= 25


@pytest.mark.parametrize("content", [b"", b"Dear Sir or Madam", saved(corners())[:300], saved(corners(), "GIF")])
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"^It is not a PNG or JPEG image"):
        make_showable(content, 192)


@pytest.mark.filterwarnings("ignore:.*EXIF data:UserWarning")  # Pillow's, of what the test hands it
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage" * 3])
def test_an_image_whose_exif_is_damaged_is_taken_for_upright(exif: bytes) -> None:
    content = saved(corners(), "JPEG", exif=exif)
    assert make_showable(content, 192) == content
