"""What becomes of an image of any mode: held against OpenCV, with which MXNet, and so the built-in, reads images."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from embedded_aws.sagemaker.containers.image_classification.pictures import UnreadableImage, decode, read_size
from tests.bombs import pictures as bombs
from tests.bombs.pictures import chunk

Pixels = npt.NDArray[np.uint8]
SIZE = (40, 48)
MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "RGBX", "I;16", "I;16B", "CMYK", "YCbCr")
"""Every mode that Pillow writes as PNG or JPEG."""
GRAY, RGB, GRAY_AND_ALPHA, RGBA = 0, 2, 4, 6  # kinds of color in a PNG's header
CHANNELS = {GRAY: 1, RGB: 3, GRAY_AND_ALPHA: 2, RGBA: 4}
_ORIENTATION = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
"""An entry of EXIF data, big-endian: orientation 6, for an image that lies on its side."""
EXIF_6 = b"MM\0*" + struct.pack(">IH", 8, 1) + _ORIENTATION + bytes(4)
XMP_6 = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def as_opencv_reads(content: bytes) -> Pixels:
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    return np.asarray(read, np.uint8)[:, :, ::-1]


def assert_read_as_by_opencv(content: bytes) -> None:
    expected = as_opencv_reads(content)
    np.testing.assert_array_equal(np.asarray(decode(content, (1, 1))), expected)
    assert read_size(content) == (expected.shape[1], expected.shape[0])


def noise(channels: int, most: int = 255) -> npt.NDArray[np.int64]:
    """Blocks of random values, (height, width, channels)."""
    blocks = np.random.default_rng(5).integers(0, most + 1, (SIZE[1] // 4, SIZE[0] // 4, channels))
    return blocks.repeat(4, axis=0).repeat(4, axis=1)


def image(mode: str) -> Image.Image:
    if mode.startswith("I;16"):
        order = ">u2" if mode.endswith("B") else "<u2"
        return Image.frombytes(mode, SIZE, noise(1, 65_535).astype(order).tobytes())
    if mode in {"L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}:
        channels = len(Image.new(mode, (1, 1)).getbands())
        return Image.frombytes(mode, SIZE, noise(channels).astype(np.uint8).tobytes())
    return image("RGB").convert(mode)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(kind: int, bits: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG of noise, with chunks before and after its pixels."""
    width, height = SIZE
    if bits < 8:
        rows = noise(1).astype(np.uint8)[:, : width * bits // 8]
    else:
        rows = noise(CHANNELS[kind], 2**bits - 1).astype(f">u{bits // 8}")
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", content) + after + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", MODES)
def test_an_image_of_every_mode_that_pillow_writes(mode: str, kind: str) -> None:
    try:
        content = saved(image(mode), kind)
    except OSError:  # no such format has this mode
        with pytest.raises(OSError, match=f"cannot write mode {mode}"):
            image(mode).save(io.BytesIO(), kind)
        return
    assert_read_as_by_opencv(content)


def test_no_mode_that_pillow_writes_is_left_out() -> None:
    assert set(MODES) == {mode for mode in (*Image.MODES, "I;16B") if is_written(mode)}


def is_written(mode: str) -> bool:
    for kind in ("PNG", "JPEG"):
        try:
            saved(Image.new(mode, SIZE), kind)
        except OSError:
            continue
        return True
    return False


@pytest.mark.parametrize("kind", CHANNELS)
def test_of_16_bits_the_high_byte_counts(kind: int) -> None:
    content = png(kind, 16)
    assert_read_as_by_opencv(content)
    high = (noise(CHANNELS[kind], 65_535) >> 8)[:, :, : 1 if kind in {GRAY, GRAY_AND_ALPHA} else 3]
    np.testing.assert_array_equal(np.asarray(decode(content, (1, 1))), np.broadcast_to(high, (*high.shape[:2], 3)))


def test_a_16_bit_image_that_opencv_writes() -> None:
    for channels in (1, 3, 4):
        _, written = cv2.imencode(".png", noise(channels, 65_535).astype(np.uint16))
        assert_read_as_by_opencv(written.tobytes())


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_of_fewer_bits(bits: int) -> None:
    assert_read_as_by_opencv(png(GRAY, bits))


@pytest.mark.parametrize(
    ("mode", "transparency"), [("P", bytes(range(256))), ("P", 3), ("L", 100), ("RGB", (1, 2, 3)), ("1", 0)]
)
def test_a_transparent_color_is_shown_as_it_is(mode: str, transparency: object) -> None:
    picture = image("RGB").quantize(256) if mode == "P" else image(mode)
    assert_read_as_by_opencv(saved(picture, "PNG", transparency=transparency))


@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 2}, {"progressive": True}, {"quality": 20}])
def test_the_real_worlds_jpeg(options: dict[str, object]) -> None:
    assert_read_as_by_opencv(saved(image("RGB"), "JPEG", **options))


@pytest.mark.parametrize("kind", ["MPO", "PNG"])
def test_of_several_pictures_the_first(kind: str) -> None:
    picture = image("RGB")
    others = [picture.transpose(Image.Transpose.ROTATE_180)]
    assert_read_as_by_opencv(saved(picture, kind, save_all=True, append_images=others))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("orientation", range(10))
def test_an_image_stands_as_its_exif_data_say(orientation: int, mode: str, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_read_as_by_opencv(saved(image(mode), kind, exif=exif))


@pytest.mark.parametrize(("before", "after"), [(chunk(b"eXIf", EXIF_6), b""), (b"", chunk(b"eXIf", EXIF_6))])
def test_the_exif_data_of_a_png_may_stand_behind_its_pixels(before: bytes, after: bytes) -> None:
    content = png(RGB, 8, before, after)
    assert_read_as_by_opencv(content)
    assert read_size(content) == SIZE[::-1]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's, when it opens a JPEG
@pytest.mark.parametrize(
    "exif",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"no TIFF" * 9,
        EXIF_6[:-8],
        b"II*\0" + struct.pack("<IH", 8, 65_535) + b"\xff" * 100,
        b"MM\0*" + struct.pack(">IHHHI", 8, 1, 0x0112, 2, 3) + b"6\0\0\0" + bytes(4),
    ],
)
def test_broken_exif_data_turn_nothing(exif: bytes) -> None:
    assert_read_as_by_opencv(png(RGB, 8, chunk(b"eXIf", exif)))
    assert_read_as_by_opencv(saved(image("RGB"), "JPEG", exif=b"Exif\0\0" + exif))


@pytest.mark.parametrize("make", [
    lambda: saved(image("RGB"), "JPEG", xmp=XMP_6),
    lambda: png(RGB, 8, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_6)),
])  # fmt: skip
def test_other_data_about_the_image_turn_nothing(make: Callable[[], bytes]) -> None:
    assert_read_as_by_opencv(make())


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_photo_is_decoded_small_and_keeps_what_is_needed(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = saved(Image.linear_gradient("L").resize((4_000, 1_200)).convert("RGB"), "JPEG", exif=exif)
    upright = (4_000, 1_200) if orientation == 1 else (1_200, 4_000)
    needed = (upright[0] // 16, upright[1] // 16)  # eight times that, a half of the photo, is enough
    assert decode(photo, needed).size == (upright[0] // 2, upright[1] // 2)
    assert read_size(photo) == upright


def test_half_an_image_is_refused_as_opencv_refuses_it() -> None:
    for kind in ("PNG", "JPEG"):
        half = saved(image("RGB"), kind)
        half = half[: len(half) // 2]
        assert cv2.imdecode(np.frombuffer(half, np.uint8), cv2.IMREAD_COLOR) is None
        with pytest.raises(UnreadableImage):
            decode(half, (1, 1))


def test_a_png_may_hold_the_bytes_that_start_a_scan_of_a_jpeg() -> None:
    rows = (b"\0" + b"\xff\xda" * 16) * 32
    assert_read_as_by_opencv(bombs.png(32, 32, content=zlib.compress(rows, 0)))
