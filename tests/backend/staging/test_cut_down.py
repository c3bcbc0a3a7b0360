"""Archives that people cut down themselves, with today's pickle, NumPy and tarfile; compared with the arrays put in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import InvalidArchive
from backend.staging.apart import read_apart
from backend.staging.cifar import read_archive
from backend.staging.labels import FINE_LABELS

NAMES = ["bike_s_1.png", "motorcycle_s_7.png", "bike_s_2.png", "minibike_s_3.png"]
LABELS = [8, 48, 8, 48]
PIXELS = np.random.default_rng(5).integers(0, 256, (4, 3072), dtype=np.uint8)
Pack = Callable[[bytes], bytes]


def content(**changes: Any) -> dict[Any, Any]:
    """A batch as `pickle.load(..., encoding="bytes")` gives it, cut down to four images."""
    batch = {b"filenames": [name.encode() for name in NAMES], b"fine_labels": LABELS, b"coarse_labels": [18] * 4}
    return batch | {b"data": PIXELS} | {name.encode(): value for name, value in changes.items()}


def in_text(batch: dict[Any, Any]) -> dict[str, Any]:
    """As `encoding="latin1"` gives it."""
    return {key.decode(): value for key, value in batch.items()} | {"filenames": NAMES}


def write(
    path: Path, batch: Any, protocol: int, folder: str = "cifar-100-python/", pack: Pack = gzip.compress, **meta: Any
) -> Path:
    members = {
        "meta": {b"fine_label_names": [name.encode() for name in FINE_LABELS]} | meta,
        "train": batch,
        "test": batch,
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, value in members.items():
            member = tarfile.TarInfo(folder + name)
            dumped = pickle.dumps(value, protocol)
            member.size, member.mtime = len(dumped), 1234567890.5  # a fraction makes tarfile write a pax header
            archive.addfile(member, io.BytesIO(dumped))
    path.write_bytes(pack(raw.getvalue()))
    return path


def is_read(path: Path) -> bool:
    """Whether both splits hold what was put in."""
    for batch in read_archive(path).values():
        np.testing.assert_array_equal(batch.rows, PIXELS)
        assert batch.fine_labels.tolist() == LABELS
        assert list(batch.filenames) == NAMES
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.tar.gz"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("keys", [content, lambda: in_text(content())], ids=["bytes", "text"])
def test_every_protocol_is_read(path: Path, protocol: int, keys: Callable[[], Any]) -> None:
    assert is_read(write(path, keys(), protocol))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "labels",
    [
        tuple(LABELS),
        np.array(LABELS),
        np.array(LABELS, dtype=np.uint8),
        np.array(LABELS, dtype=">i4"),
        np.repeat(np.array(LABELS), 2)[::2],
        list(np.array(LABELS)),
        [np.int32(label) for label in LABELS],
        tuple(np.array(LABELS, dtype=np.uint16)),
    ],
    ids=["tuple", "int64", "uint8", "big-endian", "every second", "list of int64", "list of int32", "tuple of uint16"],
)
def test_labels_may_be_numpys_and_in_a_tuple(path: Path, protocol: int, labels: Any) -> None:
    assert is_read(write(path, content(fine_labels=labels, coarse_labels=labels), protocol))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "names",
    [
        tuple(NAMES),
        np.array(NAMES),
        np.array([name.encode() for name in NAMES]),
        list(np.array(NAMES)),
        list(np.array([name.encode() for name in NAMES])),
    ],
    ids=["tuple", "text", "bytes", "list of text", "list of bytes"],
)
def test_names_may_be_numpys_and_in_a_tuple(path: Path, protocol: int, names: Any) -> None:
    assert is_read(write(path, content(filenames=names), protocol))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "pixels",
    [
        np.asfortranarray(PIXELS),
        np.repeat(PIXELS, 2, axis=0)[::2],
        np.frombuffer(PIXELS.tobytes(), np.uint8).reshape(4, -1),
    ],
    ids=["Fortran's order", "every second", "read-only"],
)
def test_pixels_may_be_in_any_order(path: Path, protocol: int, pixels: Any) -> None:
    assert is_read(write(path, content(data=pixels), protocol))


PACKERS: dict[str, Pack] = {
    "not packed": lambda raw: raw,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "xz, strongest": lambda raw: lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME),
    "gzip in two": lambda raw: gzip.compress(raw[:5000]) + gzip.compress(raw[5000:]),
    "bzip2 in two": lambda raw: bz2.compress(raw[:5000]) + bz2.compress(raw[5000:]),
    "xz in two": lambda raw: lzma.compress(raw[:5000]) + bytes(4) + lzma.compress(raw[5000:]),
    "gzip and a letter": lambda raw: gzip.compress(raw) + b"\n",
    "gzip and a page": lambda raw: gzip.compress(raw) + b"<html>" * 500_000,
    "gzip and zeros": lambda raw: gzip.compress(raw) + bytes(3_000_000),
    "bzip2 and a page": lambda raw: bz2.compress(raw) + b"<html>" * 9,
    "xz and a page": lambda raw: lzma.compress(raw) + b"<html>" * 9,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_every_packing_is_read(path: Path, packer: str) -> None:
    assert is_read(write(path, content(), 4, pack=PACKERS[packer]))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_archive_that_is_cut_off_is_said_to_be(path: Path, pack: Pack, share: float) -> None:
    with pytest.raises(InvalidArchive, match="ends too early"):
        read_archive(write(path, content(), 4, pack=lambda raw: pack(raw)[: int(share * len(pack(raw)))]))


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9999])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_archive_that_was_changed_is_refused(path: Path, pack: Pack, place: float) -> None:
    def changed(raw: bytes) -> bytes:
        packed = bytearray(pack(raw))
        packed[int(place * (len(packed) - 1))] ^= 0xFF
        return bytes(packed)

    with pytest.raises(InvalidArchive, match=r"is damaged|ends too early"):
        read_archive(write(path, content(), 4, pack=changed))


def test_an_archive_that_wants_too_much_memory_to_be_unpacked_is_refused(path: Path) -> None:
    def pack(raw: bytes) -> bytes:
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
        packed = bytearray(lzma.compress(raw, filters=filters, check=lzma.CHECK_NONE))
        assert packed[12:17] == bytes([2, 0, 0x21, 1, 16])  # the block's header, with 1 MB as 16
        packed[16] = 32  # 256 MB
        packed[20:24] = zlib.crc32(packed[12:20]).to_bytes(4, "little")
        return bytes(packed)

    with pytest.raises(InvalidArchive, match="emory"):
        read_archive(write(path, content(), 4, pack=pack))


def test_an_archive_of_too_many_streams_is_refused(path: Path) -> None:
    with pytest.raises(InvalidArchive, match="more than 10,000 streams"):
        read_archive(write(path, content(), 4, pack=lambda raw: gzip.compress(b"") * 10_001 + gzip.compress(raw)))


@pytest.mark.parametrize("folder", ["", "./", "my-cifar/", "cifar100/cifar-100-python/", "../out/"])
def test_the_folder_may_have_any_name(path: Path, folder: str) -> None:
    assert is_read(write(path, content(), 4, folder=folder))


@pytest.mark.parametrize("names", [tuple(FINE_LABELS), np.array(FINE_LABELS)], ids=["tuple", "array"])
def test_the_label_names_may_be_a_tuple_or_an_array(path: Path, names: Any) -> None:
    assert is_read(write(path, content(), 4, fine_label_names=names))


@pytest.mark.parametrize("protocol", range(6))
def test_what_tars_own_program_packs_is_read(tmp_path: Path, protocol: int) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    for name, value in (("meta", {"fine_label_names": list(FINE_LABELS)}), ("train", content()), ("test", content())):
        (folder / name).write_bytes(pickle.dumps(value, protocol))
    subprocess.run(["tar", "-czf", "mine.tgz", "small"], cwd=tmp_path, check=True)
    assert is_read(tmp_path / "mine.tgz")


@pytest.mark.parametrize("protocol", [0, 2, *(pytest.param(other, marks=pytest.mark.slow) for other in (1, 3, 4, 5))])
def test_one_of_thousands_of_images_is_within_the_budgets(path: Path, protocol: int) -> None:
    count = 5_000 if protocol else 2_000
    pixels = np.random.default_rng(6).integers(0, 256, (count, 3072), dtype=np.uint8)
    labels = np.arange(count) % 100
    batch = content(
        data=pixels,
        filenames=[b"image_%d.png" % number for number in range(count)],
        fine_labels=list(labels),
        coarse_labels=list(labels),
    )
    read = read_apart(write(path, batch, protocol, pack=PACKERS["not packed"]))
    for split in read.values():
        np.testing.assert_array_equal(split.rows, pixels)
        assert split.fine_labels.tolist() == labels.tolist()
        assert split.filenames[-1] == f"image_{count - 1}.png"
