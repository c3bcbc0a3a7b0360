"""What a person hands in to be classified: PNG and JPEG images of a bounded size, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture
from backend.workflow.uploads import MAX_WORKFLOW_BYTES, prepare_image
from tests.bombs.pictures import BOMBS, saved


def noise(width: int, height: int, kind: str, **options: object) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


def opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image


def test_the_workflows_limit_is_the_one_of_its_first_state() -> None:
    handler = (Path(__file__).parents[3] / "lambdas" / "serialize_image" / "handler.py").read_text()
    assert f"\nMAX_IMAGE_BYTES = {MAX_WORKFLOW_BYTES:_}\n" in handler


def test_a_file_of_more_than_20_mb_is_refused_before_it_is_opened() -> None:
    with pytest.raises(InvalidImage, match=r"large.png has 21\.0 MB"):
        prepare_image("large.png", bytes((20 << 20) + 1))


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_png_and_a_jpeg_are_taken_for_what_they_are(kind: str, media_type: str) -> None:
    image = prepare_image("photo.bin", saved(kind)())
    assert (image.name, image.content, image.media_type) == ("photo.bin", saved(kind)(), media_type)
    assert not image.is_redrawn


def test_a_phones_jpeg_with_a_second_image_in_it_is_a_jpeg() -> None:
    content = io.BytesIO()
    image = Image.new("RGB", (64, 48))
    image.save(content, "MPO", save_all=True, append_images=[image])
    assert opened(content.getvalue()).format == "MPO"
    assert check_picture("photo.jpg", content.getvalue()) == "image/jpeg"
    assert prepare_image("photo.jpg", content.getvalue()).media_type == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [
        noise(330, 320, "PNG"),
        noise(1000, 800, "JPEG", quality=95),
        noise(1150, 1150, "PNG"),
        noise(3000, 60, "JPEG", quality=100),
        noise(20_000, 5, "PNG"),
        noise(5, 20_000, "JPEG", quality=100, subsampling=0),
    ],
    ids=["PNG of 318 kB", "JPEG", "PNG of 4 MB", "wide", "20,000 x 5", "5 x 20,000"],
)
def test_an_image_that_the_workflow_does_not_carry_is_made_to_fit(content: bytes) -> None:
    assert MAX_WORKFLOW_BYTES < len(content) < 4 << 20
    image = prepare_image("photo.png", content)
    assert (image.name, image.is_redrawn) == ("photo.png", True)
    assert len(image.content) <= MAX_WORKFLOW_BYTES
    before, after = opened(content), opened(image.content)
    assert image.media_type == f"image/{str(after.format).lower()}"
    assert max(after.size) >= 200
    assert max(after.size) / max(before.size) == pytest.approx(min(after.size) / min(before.size), abs=1)
    assert np.asarray(after).mean() == pytest.approx(np.asarray(before).mean(), abs=3)


@pytest.mark.parametrize("size", [(48, 32), (1200, 800)])
def test_an_image_taken_sideways_is_classified_as_it_is_seen(size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: the image's left is its bottom
    image = Image.new("RGB", size, "black")
    image.paste("white", (0, 0, size[0] // 2, size[1]))
    content = io.BytesIO()
    image.save(content, "JPEG", exif=exif)
    after = opened(prepare_image("photo.jpg", content.getvalue()).content)
    assert after.size == (size[1], size[0])
    assert not after.getexif()
    pixels = np.asarray(after.convert("L"))
    assert (pixels[: size[0] // 4].mean() > 250, pixels[-size[0] // 4 :].mean() < 5) == (True, True)


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidImage, match=r"^bomb\.png "):
        prepare_image("bomb.png", BOMBS[name]())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_that_was_not_copied_whole_is_refused(kind: str, share: float) -> None:
    content = saved(kind, (300, 200))()
    with pytest.raises(InvalidImage, match="or is damaged"):
        prepare_image("cut.png", content[: int(share * len(content))])
