"""Reading archives: the real one, damaged ones, hostile ones."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import InvalidArchive, SourceUnavailable
from backend.staging.cifar import read_archive
from backend.staging.labels import FINE_LABELS
from backend.staging.tar_members import CIFAR_LIMITS
from tests.backend.staging.archives import MakeArchive, batch


def independently(archive: Path, member: str) -> dict[str, Any]:
    """The member as Python's own unpickler and NumPy read it."""
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"cifar-100-python/{member}")
        assert file is not None
        content: dict[str, Any] = pickle.loads(file.read(), encoding="latin1")  # noqa: S301
    return content


@pytest.mark.parametrize(("split", "per_class"), [("train", 500), ("test", 100)])
def test_the_real_archive_has_as_many_bicycles_as_motorcycles(real_archive: Path, split: str, per_class: int) -> None:
    labels, counts = np.unique(read_archive(real_archive)[split].fine_labels, return_counts=True)
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == {8: per_class, 48: per_class}


def test_pixels_of_the_real_archive_are_as_numpy_reads_them(real_archive: Path) -> None:
    expected = independently(real_archive, "train")
    images = read_archive(real_archive)["train"].images
    assert images.shape == (1000, 32, 32, 3)
    for row, y, x in [(0, 0, 0), (17, 5, 30), (500, 31, 2), (999, 16, 16)]:
        for channel in range(3):
            assert images[row, y, x, channel] == expected["data"][row][1024 * channel + 32 * y + x]


def test_labels_and_names_of_the_real_archive_are_as_pickle_reads_them(real_archive: Path) -> None:
    expected, test = independently(real_archive, "test"), read_archive(real_archive)["test"]
    assert test.fine_labels.tolist() == expected["fine_labels"]
    assert list(test.filenames) == expected["filenames"]


def test_the_label_names_are_those_of_the_real_archive(real_archive: Path) -> None:
    meta = independently(real_archive, "meta")
    assert list(FINE_LABELS) == meta["fine_label_names"]


def python_2_batch() -> bytes:
    """A batch of one image in the opcodes that Python 2 and its NumPy wrote, integers for booleans among them."""
    pixels = bytes(range(256)) * 12
    return b"".join(
        [
            b"\x80\x02}(",
            b"U\x09filenames](U\x0abike_1.pnge",
            b"U\x0bfine_labels](K\x08e",
            b"U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"K\x00T" + struct.pack("<i", len(pixels)) + pixels + b"tb",
            b"u.",
        ]
    )


def test_a_batch_written_by_python_2_is_read(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> None:
    archive = make_archive(small_cifar | {"cifar-100-python/train": python_2_batch()})
    train = read_archive(archive)["train"]
    assert train.filenames == ("bike_1.png",)
    assert train.images[0, 1, :2].tolist() == [[32, 32, 32], [33, 33, 33]]  # 1,024 is a multiple of 256


def test_an_archive_that_a_browser_unpacked_is_read(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], tmp_path: Path
) -> None:
    unpacked = tmp_path / "cifar-100-python.tar"
    unpacked.write_bytes(gzip.decompress(make_archive(small_cifar).read_bytes()))
    assert len(read_archive(unpacked)["test"].images) == 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"no file .*nowhere.tar.gz"):
        read_archive(tmp_path / "nowhere.tar.gz")


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"cannot be read .Is a directory"):
        read_archive(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.tar.gz"
    path.touch(mode=0o000)
    with pytest.raises(SourceUnavailable, match="Permission denied"):
        read_archive(path)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>" * 100, gzip.compress(b"no tar" * 500, mtime=0)])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.tar.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidArchive, match=r"page.tar.gz is no archive"):
        read_archive(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_archive_is_refused(make_archive: MakeArchive, small_cifar: dict[str, bytes], share: float) -> None:
    archive = make_archive(small_cifar)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InvalidArchive):
        read_archive(archive)


def test_an_archive_with_a_flipped_byte_is_refused(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> None:
    archive = make_archive(small_cifar)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(InvalidArchive):
        read_archive(archive)


@pytest.mark.parametrize("member", ["meta", "train", "test"])
def test_a_missing_member_is_named(make_archive: MakeArchive, small_cifar: dict[str, bytes], member: str) -> None:
    del small_cifar[f"cifar-100-python/{member}"]
    with pytest.raises(InvalidArchive, match=f"no member cifar-100-python/{member}"):
        read_archive(make_archive(small_cifar))


def test_cifar_10_is_refused(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> None:
    small_cifar["cifar-100-python/meta"] = pickle.dumps({b"fine_label_names": [b"airplane", b"automobile"]})
    with pytest.raises(InvalidArchive, match=r"label names .* are not those of CIFAR-100"):
        read_archive(make_archive(small_cifar))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"filenames": [b"one.png"]}, "disagree"),
        ({"fine_labels": [8, 48]}, "disagree"),
        ({"fine_labels": [8, 48, 8, 100]}, "fine label that is no number from 0 to 99"),
        ({"fine_labels": [8, 48, 8, "48"]}, "fine label that is no number from 0 to 99"),
        ({"data": np.zeros((4, 1024), dtype=np.uint8)}, "not rows of 3 x 32 x 32 bytes"),
        ({"data": np.zeros(4 * 3072, dtype=np.uint8)}, "not rows of 3 x 32 x 32 bytes"),
        ({"data": np.zeros((4, 3072), dtype=np.float32)}, "not of type uint8"),
        ({"data": b"no array"}, "not rows of 3 x 32 x 32 bytes"),
    ],
)
def test_a_batch_whose_parts_do_not_fit_is_refused(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], changes: dict[str, Any], complaint: str
) -> None:
    small_cifar["cifar-100-python/test"] = pickle.dumps(batch(seed=2, **changes), protocol=4)
    with pytest.raises(InvalidArchive, match=complaint):
        read_archive(make_archive(small_cifar))


@pytest.mark.parametrize("content", [[1, 2], None, {b"filenames": []}])
def test_a_member_that_is_no_batch_is_refused(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], content: Any
) -> None:
    small_cifar["cifar-100-python/train"] = pickle.dumps(content)
    with pytest.raises(InvalidArchive, match="Member train has no "):
        read_archive(make_archive(small_cifar))


class Command:
    """Runs a command when it is unpickled, the usual attack."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self._command,)


def test_a_hostile_pickle_runs_nothing(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], tmp_path: Path
) -> None:
    small_cifar["cifar-100-python/train"] = pickle.dumps(Command(f"touch {tmp_path}/harmed"))
    with pytest.raises(InvalidArchive, match=r"asks for posix.system, which no CIFAR batch needs"):
        read_archive(make_archive(small_cifar))
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "name", [b"builtins\neval", b"builtins\ngetattr", b"numpy\nload", b"numpy.core.multiarray\nfromfile", b"os\nsystem"]
)
def test_no_other_name_is_admitted(make_archive: MakeArchive, small_cifar: dict[str, bytes], name: bytes) -> None:
    small_cifar["cifar-100-python/train"] = b"\x80\x02c" + name + b"\n."
    with pytest.raises(InvalidArchive, match="was not run"):
        read_archive(make_archive(small_cifar))


@pytest.mark.parametrize(
    "damage",
    [
        b"\x80\x02}r\xff\xff\xff\xff.",  # remembers a value at place 4,294,967,295
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\x00\x00.",  # announces more bytes than there are
        b"\x80\x04\x96\xff\xff\xff\xff\xff\xff\xff\x00.",  # and would make room for them first
        b"\x80\x02cnumpy\ndtype\n}U\x04codeU\x01xsb.",  # sets an attribute of what it may only name
        b"\x80\x02K\x01K\x02R.",  # calls a number
        b"garbage",
        b"",
    ],
)
def test_a_damaged_pickle_is_refused(make_archive: MakeArchive, small_cifar: dict[str, bytes], damage: bytes) -> None:
    small_cifar["cifar-100-python/train"] = damage
    with pytest.raises(InvalidArchive):
        read_archive(make_archive(small_cifar))


def test_a_member_outside_the_folder_is_never_written(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], tmp_path: Path
) -> None:
    before = {"archive.tar.gz"}
    archive = make_archive(small_cifar | {"../harmed": b"x", f"{tmp_path}/harmed": b"x"})
    read_archive(archive)
    assert {path.name for path in tmp_path.iterdir()} == before
    assert not (tmp_path.parent / "harmed").exists()


def test_a_link_in_place_of_a_member_is_not_followed(small_cifar: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        for name in small_cifar:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    with pytest.raises(InvalidArchive, match="no member cifar-100-python/meta"):
        read_archive(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(
    make_archive: MakeArchive, small_cifar: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.staging.cifar.CIFAR_LIMITS", replace(CIFAR_LIMITS, unpacked=1 << 20))
    archive = make_archive({"cifar-100-python/file": bytes(2 << 20)} | small_cifar)
    with pytest.raises(InvalidArchive, match="unpacks to more than 1 MB"):
        read_archive(archive)
