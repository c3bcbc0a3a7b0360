"""What a person hands in to be classified: PNG and JPEG images of a bounded size, and nothing else."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture
from backend.workflow import uploads
from tests.bombs.pictures import BOMBS, saved


def test_a_file_of_more_than_4_mb_is_refused_before_it_is_opened() -> None:
    with pytest.raises(InvalidImage, match=r"large.png has 4\.2 MB"):
        uploads._media_type("large.png", bytes((4 << 20) + 1))


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_png_and_a_jpeg_are_taken_for_what_they_are(kind: str, media_type: str) -> None:
    assert uploads._media_type("photo.bin", saved(kind)()) == media_type


def test_a_phones_jpeg_with_a_second_image_in_it_is_a_jpeg() -> None:
    content = io.BytesIO()
    image = Image.new("RGB", (64, 48))
    image.save(content, "MPO", save_all=True, append_images=[image])
    with Image.open(io.BytesIO(content.getvalue())) as opened:
        assert opened.format == "MPO"
    assert check_picture("photo.jpg", content.getvalue()) == "image/jpeg"


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidImage, match=r"^bomb\.png "):
        uploads._media_type("bomb.png", BOMBS[name]())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_that_was_not_copied_whole_is_refused(kind: str, share: float) -> None:
    content = saved(kind, (300, 200))()
    with pytest.raises(InvalidImage, match="or is damaged"):
        uploads._media_type("cut.png", content[: int(share * len(content))])
