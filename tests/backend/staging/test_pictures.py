"""Pictures that strangers hand in: which are taken, and as what."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture
from backend.staging.upright import open_upright
from embedded_aws.sagemaker.containers.image_classification.pictures import decode
from tests.bombs.pictures import chunk, png


def saved(mode: str, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (32, 32)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_a_png_of_every_mode_is_taken(mode: str) -> None:
    assert check_picture("it", saved(mode, "PNG")) == "image/png"


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "CMYK", "YCbCr"])
def test_a_jpeg_of_every_mode_is_taken(mode: str) -> None:
    assert check_picture("it", saved(mode, "JPEG")) == "image/jpeg"


@pytest.mark.parametrize("kind", [0, 2, 6])
def test_a_png_of_16_bits_is_taken(kind: int) -> None:
    assert check_picture("it", png(32, 32, 16, kind)) == "image/png"


def test_a_phones_photo_with_a_second_picture_is_a_jpeg() -> None:
    photo = saved("RGB", "MPO", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    assert check_picture("it", photo) == "image/jpeg"


@pytest.mark.parametrize("content", [b"", b"no image", saved("RGB", "PNG")[:50], saved("RGB", "JPEG")[:300]])
def test_what_is_no_image_or_half_of_one_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"^photo\.png is not a PNG or JPEG image, or is damaged\."):
        check_picture("photo.png", content)


def test_a_png_whose_pixels_are_missing_is_refused() -> None:
    nothing = png(32, 32, content=zlib.compress(b""))
    with pytest.raises(InvalidImage, match="damaged"):
        check_picture("it", nothing)


def test_the_size_is_refused_before_anything_is_decoded() -> None:
    huge = saved("RGB", "JPEG").replace(struct.pack(">HH", 32, 32), struct.pack(">HH", 6_000, 6_000), 1)
    with pytest.raises(InvalidImage, match="6,000 x 6,000 pixels"):
        check_picture("it", huge)


def noise(mode: str, kind: str, **options: object) -> bytes:
    """An image of random blocks."""
    bands = 2 if mode == "I;16" else len(Image.new(mode, (1, 1)).getbands())
    blocks = np.random.default_rng(5).integers(0, 256, (12, 10, bands), dtype=np.uint8)
    file = io.BytesIO()
    Image.frombytes(mode, (40, 48), blocks.repeat(4, 0).repeat(4, 1).tobytes()).save(file, kind, **options)
    return file.getvalue()


def on_its_side() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


SEEN = {
    "gray": noise("L", "PNG"),
    "gray of 16 bits": noise("I;16", "PNG"),
    "gray and alpha": noise("LA", "PNG"),
    "RGB": noise("RGB", "PNG"),
    "RGBA": noise("RGBA", "PNG"),
    "a palette with transparency": noise("P", "PNG", transparency=bytes(range(256))),
    "a JPEG": noise("RGB", "JPEG"),
    "a CMYK JPEG": noise("CMYK", "JPEG"),
    "a JPEG on its side": noise("RGB", "JPEG", exif=on_its_side()),
    "a PNG on its side": noise("RGB", "PNG", exif=on_its_side()),
    "a PNG with EXIF data behind its pixels": noise("RGB", "PNG")[:-12]
    + chunk(b"eXIf", on_its_side().tobytes().removeprefix(b"Exif\0\0"))
    + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("seen", SEEN)
def test_the_app_and_the_containers_see_what_opencv_sees(seen: str) -> None:
    read = cv2.imdecode(np.frombuffer(SEEN[seen], np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    expected = read[:, :, ::-1]
    for image in (open_upright("it", SEEN[seen], (48, 48)), decode(SEEN[seen], (1, 1))):
        np.testing.assert_array_equal(np.asarray(image), expected)
