"""Captured pictures in numbers: as OpenCV computes them, and none for what cannot be decoded."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from backend.monitoring.pictures import Picture, PictureState, measure, measure_all, measure_input
from backend.monitoring.plain import Request
from backend.monitoring.records import read_file
from tests.bombs.measure import measure as measure_apart
from tests.bombs.pictures import BOMBS, LARGE, png
from tests.capture_lines import IMAGE, capture_line

RANDOM = np.random.default_rng(10)
UNDECODABLE = Picture(PictureState.UNDECODABLE)
NOT_A_PICTURE = Picture(PictureState.NOT_A_PICTURE)
LIGHT = Image.fromarray(np.full((16, 16, 3), 255, np.uint8))


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def noise(height: int, width: int, channels: int) -> Image.Image:
    """Fine, colorful noise on a slope, so that no two of the figures are alike by chance."""
    slope = np.linspace(0, 150, height * width * channels).reshape(height, width, channels)
    return Image.fromarray(
        (slope + RANDOM.integers(0, 100, slope.shape)).astype(np.uint8).squeeze(2 if channels == 1 else ())
    )


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_opencv(content: bytes) -> tuple[float, float, float]:
    """Brightness, contrast and sharpness as OpenCV's users compute them."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert image is not None
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return gray.mean() / 255, gray.std() / 255, cv2.Laplacian(gray, cv2.CV_64F).var()


def request(content: bytes, content_type: str = "image/png") -> Request:
    return Request(json.dumps(base64.b64encode(content).decode()).encode(), "BASE64", content_type)  # type: ignore[arg-type]


PICTURES = {
    "RGB": saved(noise(32, 32, 3)),
    "RGBA": saved(noise(32, 32, 4)),
    "gray": saved(noise(32, 32, 1)),
    "gray, 16 bits": png(40, 30, 16, 0),
    "a palette": saved(noise(20, 30, 3).quantize(16)),
    "two colors": saved(noise(20, 30, 1).convert("1")),
    "wide": saved(noise(7, 300, 3)),
    "1 x 1": saved(noise(1, 1, 3)),
    "1 x 5": saved(noise(5, 1, 3)),
    "5 x 1": saved(noise(1, 5, 3)),
    "2 x 2": saved(noise(2, 2, 3)),
    "several strips": saved(noise(300, 301, 3)),
    "rows longer than a strip": saved(noise(3, 9_000, 1)),
    "JPEG": saved(noise(60, 40, 3), "JPEG", quality=95, subsampling=0),
    "gray JPEG": saved(noise(60, 40, 1), "JPEG"),
    "progressive JPEG": saved(noise(60, 40, 3), "JPEG", progressive=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_measured_as_opencv_does(name: str) -> None:
    content = PICTURES[name]
    picture = measure(content)
    assert picture.state is PictureState.MEASURED
    with Image.open(io.BytesIO(content)) as image:
        assert (picture.width, picture.height) == image.size
    # Colors are rounded to gray in two ways: half a level of 255 apart at most, and a JPEG holds the gray itself.
    brightness, contrast, sharpness = by_opencv(content)
    assert picture.brightness == pytest.approx(brightness, abs=0.002)
    assert picture.contrast == pytest.approx(contrast, abs=0.002)
    assert picture.sharpness == pytest.approx(sharpness, rel=0.01, abs=0.5)


@pytest.mark.parametrize("shape", [(32, 32), (1, 1), (1, 7), (7, 1), (2, 3), (300, 301), (3, 9_000)])
def test_the_figures_of_a_gray_picture_are_opencvs_exactly(shape: tuple[int, int]) -> None:
    gray: npt.NDArray[np.uint8] = RANDOM.integers(0, 256, shape, np.uint8)
    picture = measure(saved(Image.fromarray(gray)))
    assert picture.brightness == pytest.approx(gray.mean() / 255, rel=1e-12)
    assert picture.contrast == pytest.approx(gray.std() / 255, rel=1e-12)
    assert picture.sharpness == pytest.approx(cv2.Laplacian(gray, cv2.CV_64F).var(), rel=1e-12)


def test_white_is_bright_without_contrast_and_half_black_half_white_has_the_most() -> None:
    assert measure(saved(LIGHT)) == Picture(PictureState.MEASURED, 16, 16, 1.0, 0.0, 0.0)
    halves = np.zeros((10, 10), np.uint8)
    halves[:, 5:] = 255
    picture = measure(saved(Image.fromarray(halves)))
    assert (picture.brightness, picture.contrast) == (0.5, 0.5)


def test_the_high_byte_of_16_bits_is_looked_at() -> None:
    deep = np.full((4, 4), 0x4000, np.uint16)
    assert measure(saved(Image.fromarray(deep))).brightness == pytest.approx(0x40 / 255)


def test_a_palette_with_transparent_colors_is_measured() -> None:
    image = noise(20, 30, 3).quantize(4)
    picture = measure(saved(image, transparency=bytes([0, 128, 64, 255])))
    assert picture == measure(saved(image))
    assert picture.state is PictureState.MEASURED


def test_a_blurred_picture_is_less_sharp() -> None:
    sharp = noise(64, 64, 3)
    blurred = sharp.resize((16, 16)).resize((64, 64))
    figures = [measure(saved(image)).sharpness for image in (sharp, blurred)]
    assert None not in figures
    assert sorted(figures, key=lambda figure: figure or 0) == figures[::-1]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_undecodable(name: str) -> None:
    assert measure(BOMBS[name]()) == UNDECODABLE


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", IMAGE[:40], PICTURES["RGB"][:200], PICTURES["JPEG"][:30], b"\xff\xd8\xff", b"\0" * 99],
)
def test_what_is_no_picture_or_damaged_is_undecodable(content: bytes) -> None:
    assert measure(content) == UNDECODABLE
    assert measure(content).is_undecodable


def test_a_png_may_hold_the_bytes_that_start_a_scan_of_a_jpeg() -> None:
    rows = (b"\0" + b"\xff\xda" * 16) * 32
    assert measure(png(32, 32, content=zlib.compress(rows, 0))).brightness == pytest.approx((255 + 0xDA) / 2 / 255)


def measured(path: str) -> str:
    """What is said of a picture, for a process of its own."""
    return measure(Path(path).read_bytes()).state


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("5,000 x 5,000, RGBA", marks=pytest.mark.slow),
        pytest.param("5,000 x 5,000, 16 bits", marks=pytest.mark.slow),
        "5,000 x 5,000, CMYK, progressive",
    ],
)
def test_the_largest_pictures_are_measured_at_little_cost(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(LARGE[name]())
    taken = measure_apart(__name__, "measured", path)
    assert taken.answer == "measured"
    assert taken.is_little, taken


@pytest.mark.parametrize(
    ("captured", "expected"),
    [
        (None, Picture(PictureState.NOT_CAPTURED)),
        (request(b"5.1,3.5", "text/csv"), NOT_A_PICTURE),
        (request(b'{"features": [1]}', "application/json; charset=utf-8"), NOT_A_PICTURE),
        (request(b"\x93NUMPY", "application/x-npy"), NOT_A_PICTURE),
        (request(b"anything", "application/octet-stream"), NOT_A_PICTURE),
        (request(b"anything", ""), NOT_A_PICTURE),
        (request(b"anything", "image/png"), UNDECODABLE),
        (request(b"anything", "Image/JPEG"), UNDECODABLE),
        (request(b"anything", "application/x-image"), UNDECODABLE),
        (Request(b'"no base64!"', "BASE64", "image/png"), UNDECODABLE),  # type: ignore[arg-type]
        (Request(b'"no base64!"', "BASE64", "text/csv"), NOT_A_PICTURE),  # type: ignore[arg-type]
        (Request(b"7", "JSON", "application/json"), NOT_A_PICTURE),  # type: ignore[arg-type]
        (Request(b'"5.1,3.5"', "CSV", "text/csv"), NOT_A_PICTURE),  # type: ignore[arg-type]
    ],
)
def test_only_what_should_be_a_picture_is_called_undecodable(captured: Request | None, expected: Picture) -> None:
    assert measure_input(captured) == expected


@pytest.mark.parametrize("content_type", ["image/png", "application/x-image", "application/octet-stream", ""])
@pytest.mark.parametrize("name", ["RGB", "JPEG"])
def test_a_picture_is_measured_under_every_content_type(content_type: str, name: str) -> None:
    assert measure_input(request(PICTURES[name], content_type)) == measure(PICTURES[name])


def test_each_of_many_inputs_gets_its_own_picture(pool: Executor) -> None:
    widths = [1 + number % 50 for number in range(120)]
    inputs = [None if width == 7 else request(saved(noise(2, width, 1))) for width in widths]
    pictures = measure_all(inputs, pool)
    assert [picture.width for picture in pictures] == [None if width == 7 else width for width in widths]
    assert measure_all([], pool) == []


def test_the_predictions_of_one_line_share_a_picture(pool: Executor) -> None:
    several = "[0.9, 0.1]\n[0.8, 0.2]\n[0.7, 0.3]\n"
    last = capture_line([1], captureData__endpointInput__data=base64.b64encode(PICTURES["RGB"]).decode())
    content = capture_line([1]) + capture_line([], captureData__endpointOutput__data=several) + last
    read = read_file(content, datetime(2026, 1, 2, 4, tzinfo=UTC), with_inputs=True)
    pictures = measure_all(read.inputs, pool)
    assert pictures == [measure(IMAGE)] * 4 + [measure(PICTURES["RGB"])]
    assert pictures[1] is pictures[2] is pictures[3]
    assert pictures[0] is not pictures[1]


def test_the_pictures_of_a_real_endpoint_are_measured(captured_files: Path, pool: Executor) -> None:
    contents = [file.read_bytes() for file in sorted(captured_files.rglob("*.jsonl"))]
    delivered = datetime(2024, 10, 17, tzinfo=UTC)
    inputs = [request for content in contents for request in read_file(content, delivered, with_inputs=True).inputs]
    pictures = measure_all(inputs, pool)
    lines = [json.loads(line) for content in contents for line in content.splitlines()]
    expected = [by_opencv(base64.b64decode(line["captureData"]["endpointInput"]["data"])) for line in lines]
    assert len(pictures) == 22
    assert {(picture.width, picture.height) for picture in pictures} == {(32, 32)}
    for picture, (brightness, contrast, sharpness) in zip(pictures, expected, strict=True):
        assert picture.brightness == pytest.approx(brightness, abs=0.001)
        assert picture.contrast == pytest.approx(contrast, abs=0.001)
        assert picture.sharpness == pytest.approx(sharpness, rel=0.01)
