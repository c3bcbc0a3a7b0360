"""Pictures that a person gives for the class `other`: decoded as all are, and nothing else happens."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging import material_reader
from backend.staging.material import read_material
from backend.staging.material_reader import make_picture, read_pictures
from backend.staging.tar_members import Limits
from tests.bombs.pictures import png

SCENE = np.random.default_rng(9).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def encoded(kind: str, size: tuple[int, int] = (32, 32), orientation: int | None = None, **options: object) -> bytes:
    """The left half red, the right half blue."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (size[0] // 2, 0, *size))
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def scene() -> bytes:
    file = io.BytesIO()
    Image.fromarray(SCENE).save(file, "PNG")
    return file.getvalue()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def tar_of(files: Mapping[str, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tar_format) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


GIVEN = {"a/one.png": scene(), "b/one.png": encoded("PNG"), "b/two.jpg": encoded("JPEG", (400, 300))}


def test_the_images_of_a_folder_are_read_with_its_folders(tmp_path: Path) -> None:
    read = read_material(write_folder(tmp_path / "yard", GIVEN))
    assert read.source == "yard"
    assert read.names == ("material.one.png", "material.one-2.png", "material.two.png")
    assert (read.jpegs, read.left_out) == ((False, False, True), 0)
    assert np.array_equal(read.pixels[0], SCENE)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_gives_the_same_as_its_folder(tmp_path: Path, pack: type[bytes], tar_format: int) -> None:
    path = tmp_path / "yard.tar"
    path.write_bytes(pack(tar_of(GIVEN | {f"{'long/' * 25}name.png": scene()}, tar_format)))
    pictures, left_out = read_pictures(path, lambda _: None)
    assert left_out == 0
    assert np.array_equal(pictures[-1].pixels, SCENE)
    folder, _ = read_pictures(write_folder(tmp_path / "yard", GIVEN), lambda _: None)
    for of_tar, of_folder in zip(pictures, folder, strict=False):
        assert of_tar.name == of_folder.name
        assert np.array_equal(of_tar.pixels, of_folder.pixels)


def test_a_tar_is_read_apart_and_reports_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "yard.tar"
    path.write_bytes(tar_of(GIVEN))
    fractions: list[float] = []
    read = read_material(path, lambda fraction, _: fractions.append(fraction))
    assert read.names[0] == "material.one.png"
    assert fractions == sorted(fractions)
    assert len(set(fractions)) == 3


def test_the_middle_of_a_picture_is_scaled() -> None:
    """Of a picture three times as wide as high: red to the left of its middle, blue to the right."""
    pixels = make_picture("wide", encoded("PNG", (300, 100))).pixels
    assert pixels.shape == (32, 32, 3)
    assert pixels[:, 2].tolist() == [[255, 0, 0]] * 32
    assert pixels[:, 29].tolist() == [[0, 0, 255]] * 32


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    pixels = make_picture("turned", encoded("JPEG", (64, 64), orientation=6, quality=95)).pixels.astype(int)
    assert pixels[4, 16, 0] > pixels[4, 16, 2]  # red: what was left is above after a turn to the right
    assert pixels[28, 16, 2] > pixels[28, 16, 0]


def test_a_small_picture_is_scaled_up() -> None:
    assert make_picture("small", encoded("PNG", (3, 2))).pixels.shape == (32, 32, 3)


def test_files_that_are_no_image_are_left_out_and_counted(tmp_path: Path) -> None:
    files = GIVEN | {
        "notes.txt": b"nothing to see",
        "broken.png": scene()[:-40],
        "animation.gif": encoded("GIF"),
        "empty.jpg": b"",
        "wide.png": png(20_001, 1),
        "many.png": png(6_000, 6_000),
        ".DS_Store": b"hidden",
        "b/._two.jpg": b"hidden",
    }
    read = read_material(write_folder(tmp_path, files))
    assert len(read.pixels) == 3
    assert read.left_out == 6


def test_a_file_of_too_many_bytes_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material_reader, "MAX_FILE_BYTES", len(scene()) - 1)
    files = {"a.png": encoded("PNG"), "b.png": scene(), "c.png": encoded("PNG")}
    (tmp_path / "yard.tar").write_bytes(tar_of(files))
    write_folder(tmp_path / "yard", files)
    for path in (tmp_path / "yard.tar", tmp_path / "yard"):
        pictures, left_out = read_pictures(path, lambda _: None)
        assert ([picture.name for picture in pictures], left_out) == (["a.png", "c.png"], 1)


def test_of_too_many_files_some_are_drawn_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material_reader, "MAX_IMAGES", 5)
    files = {f"{number:02}.png": encoded("PNG") for number in range(40)}
    pictures, left_out = read_pictures(write_folder(tmp_path, files), lambda _: None)
    names = [picture.name for picture in pictures]
    assert (len(names), left_out) == (5, 35)
    assert names == sorted(names) != sorted(files)[:5]
    assert [picture.name for picture in read_pictures(tmp_path, lambda _: None)[0]] == names


def test_links_and_devices_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(scene())
    path = tmp_path / "yard.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("link.png")
            member.type, member.linkname = kind, str(tmp_path / "secret.png")
            archive.addfile(member)
        member = tarfile.TarInfo("../../escape.png")
        member.size = len(GIVEN["b/one.png"])
        archive.addfile(member, io.BytesIO(GIVEN["b/one.png"]))
    before = sorted(tmp_path.rglob("*"))
    read = read_material(path)
    assert (read.names, read.left_out) == (("material.escape.png",), 0)
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent.parent / "escape.png").exists()


def test_a_pipe_in_a_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert len(read_material(write_folder(tmp_path, GIVEN)).pixels) == 3


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is no archive"),
        (b"no archive, though long enough to be a header of one" * 20, "is no archive, or is damaged"),
        (gzip.compress(tar_of(GIVEN))[:-20], "ends too early"),
        (tar_of(GIVEN)[: 2 * 512 + 100], "ends too early"),
        (tar_of({"notes.txt": b"nothing"}), "yard.tar has no PNG or JPEG image that can be used"),
        (tar_of({}), "is no archive, or is damaged"),
    ],
    ids=["empty", "text", "packed and cut off", "cut off", "no image", "no file"],
)
def test_a_tar_that_cannot_be_used_is_refused_in_words(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "yard.tar"
    path.write_bytes(content)
    with pytest.raises(InvalidArchive, match=complaint):
        read_material(path)


def test_a_tar_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material_reader, "_LIMITS", Limits(4 << 20, 100, "Give less."))
    path = tmp_path / "yard.tar.gz"
    path.write_bytes(gzip.compress(tar_of(GIVEN | {"zeros.png": bytes(5 << 20)})))
    with pytest.raises(InvalidArchive, match=r"unpacks to more than 4 MB\. Give less"):
        read_pictures(path, lambda _: None)


def test_a_tar_of_too_many_headers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material_reader, "_LIMITS", Limits(4 << 20, 100, "Give less."))
    path = tmp_path / "yard.tar"
    path.write_bytes(tar_of({f"{number}.png": b"" for number in range(101)}))
    with pytest.raises(InvalidArchive, match=r"more than 100 headers\. Give less"):
        read_pictures(path, lambda _: None)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="has no PNG or JPEG image"):
        read_material(tmp_path)


def test_a_path_of_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"no folder or file .*nowhere\. Check the path of the material"):
        read_material(tmp_path / "nowhere")


def test_real_jpegs_are_read(other_images: Path) -> None:
    read = read_material(other_images)
    assert (read.pixels.shape, read.left_out) == ((100, 32, 32, 3), 0)
    assert all(read.jpegs)
    first = min(other_images.rglob("*.jpg"))
    with Image.open(first) as image:
        assert np.array_equal(read.pixels[0], np.asarray(image))


def test_a_tar_that_was_changed_at_random_is_read_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    whole = {False: tar_of(GIVEN), True: gzip.compress(tar_of(GIVEN))}
    path = tmp_path / "yard.tar"
    outcomes = {"read": 0, "refused": 0}
    for number in range(400):
        content = bytearray(whole[number % 2 == 1])
        for _ in range(rng.integers(1, 5)):
            place = int(rng.integers(0, len(content)))
            content[place : place + int(rng.integers(0, 8))] = rng.bytes(int(rng.integers(0, 8)))
        path.write_bytes(content)
        try:
            pictures, _ = read_pictures(path, lambda _: None)
            outcomes["read"] += 1
            assert all(picture.pixels.shape == (32, 32, 3) for picture in pictures)
        except InvalidArchive as error:
            outcomes["refused"] += 1
            assert str(error).startswith(("yard.tar ", "The archive "))
    assert min(outcomes.values()) > 20
