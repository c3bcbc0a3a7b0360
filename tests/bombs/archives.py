"""Archives that take much of little, by name. Sizes are of the files."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import InvalidArchive
from backend.staging.cifar import read_archive
from tests.backend.staging.archives import batch, small_members

Bomb = Callable[[], bytes]


def outcome(path: str) -> str:
    """What comes of an archive that is read in this process: its sizes, or why it is refused."""
    try:
        return str({split: len(content.images) for split, content in read_archive(Path(path)).items()})
    except InvalidArchive as error:
        return f"InvalidArchive: {error}"


def packed(members: list[tuple[str, bytes]], header: Callable[[tarfile.TarFile], None] = lambda _: None) -> bytes:
    """A tar.gz with these members after what `header` writes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        header(archive)
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), 9)


def with_train(content: bytes) -> bytes:
    return packed(list((small_members() | {"cifar-100-python/train": content}).items()))


def with_batch(**changes: Any) -> bytes:
    return with_train(pickle.dumps(batch(seed=1, **changes), protocol=4))


def shared_lists() -> list[Any]:
    """Has 2**60 elements, of 60 lists."""
    shared: list[Any] = []
    for _ in range(60):
        shared = [shared, shared]
    return shared


def label_names_of_shared_lists() -> bytes:
    meta = pickle.dumps({b"fine_label_names": [shared_lists()] * 100})
    return packed(list((small_members() | {"cifar-100-python/meta": meta}).items()))


def shared_tuples_as_a_key() -> bytes:
    """`hash()` of it never ends: tuples do not remember theirs."""
    nested = b")" + b"".join(b"q%ch%c\x86" % (place, place) for place in range(60))
    return with_train(b"\x80\x02}" + nested + b"K\x01s.")


def long_pax_header() -> bytes:
    """Digits in a pax header: quadratic in Python's tarfile before 3.11.10."""
    return packed(list(small_members().items()), lambda archive: extended(archive, tarfile.XHDTYPE, b"1" * 400_000))


def chained_long_links() -> bytes:
    def chain(archive: tarfile.TarFile) -> None:
        for _ in range(3_000):
            extended(archive, tarfile.GNUTYPE_LONGLINK, b"x" * 512)

    return packed(list(small_members().items()), chain)


def extended(archive: tarfile.TarFile, kind: bytes, content: bytes) -> None:
    """A header that says something of the next one."""
    info = tarfile.TarInfo("extended")
    info.type, info.size = kind, len(content)
    assert archive.fileobj is not None
    archive.fileobj.write(info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512))


def many_headers() -> bytes:
    return packed([(f"file-{number}", b"") for number in range(20_000)])


def a_huge_number() -> bytes:
    return with_batch(fine_labels=[1 << 8_000_000, 48, 8, 48])


def a_huge_shape() -> bytes:
    content = pickle.dumps(batch(seed=1), protocol=4)
    shape = b"K\x04M\x00\x0c\x86"
    assert shape in content
    return with_train(content.replace(shape, b"\x8a\x0b" + b"\xff" * 10 + b"\x01M\x00\x0c\x86"))


def deep(open_: bytes, close: bytes) -> Bomb:
    return lambda: with_train(b"\x80\x02}U\x09filenames" + open_ * 200_000 + b"N" + close * 200_000 + b"s.")


def opcodes(one: bytes, count: int) -> Bomb:
    return lambda: with_train(b"\x80\x04" + one * count)


def a_long_name_said_often() -> bytes:
    """One name of 30 MB, said for each of 40,000 images."""
    count, length = 40_000, 30 << 20
    names = b"U\x09filenames](T" + struct.pack("<i", length) + b"x" * length + b"q\x00" + b"h\x00" * (count - 1) + b"e"
    labels = b"U\x0bfine_labels](" + b"K\x08" * count + b"e"
    whole = pickle.dumps({"data": np.zeros((count, 3072), dtype=np.uint8)}, protocol=4)
    return with_train(b"\x80\x02}(" + names + labels + whole[whole.index(b"\x8c\x04data") : -2] + b"u.")


def a_line_without_an_end() -> bytes:
    return with_train(b"\x80\x02L" + b"9" * (150 << 20))


def nothing_but_zeros() -> bytes:
    return packed([("cifar-100-python/file", bytes(300 << 20))])


def a_string_of_zeros() -> bytes:
    return with_train(b"\x80\x02T" + struct.pack("<i", 240 << 20) + bytes(240 << 20))


def members_again_and_again() -> bytes:
    content = b"\x80\x04" + b"N" * 150_000 + b"."
    return packed([("cifar-100-python/train", content)] * 900)


BOMBS: dict[str, Bomb] = {
    "label names of shared lists": label_names_of_shared_lists,
    "a file name of shared lists": lambda: with_batch(filenames=[shared_lists()] * 4),
    "a label of shared lists": lambda: with_batch(fine_labels=[shared_lists()] * 4),
    "shared tuples as a key": shared_tuples_as_a_key,
    "a pax header of 400,000 digits": long_pax_header,
    "3,000 chained long links": chained_long_links,
    "20,000 headers": many_headers,
    "a huge number as a label": a_huge_number,
    "a huge shape": a_huge_shape,
    "deep lists": deep(b"]", b"a"),
    "deep tuples": deep(b"(", b"t"),
    "deep tuples of one": deep(b"", b"\x85"),
    "lists": opcodes(b"]", 94 << 20),
    "sets": opcodes(b"\x8f", 38 << 20),
    "dictionaries": opcodes(b"}", 38 << 20),
    "marks": opcodes(b"(", 94 << 20),
    "nothings": opcodes(b"N", 94 << 20),
    "nothings remembered": opcodes(b"N\x94", 47 << 20),
    "frames": opcodes(b"\x95" + b"\xff" * 8, 10 << 20),
    "a long name said often": a_long_name_said_often,
    "a line without an end": a_line_without_an_end,
    "300 MB of zeros": nothing_but_zeros,
    "a string of zeros": a_string_of_zeros,
    "members again and again": members_again_and_again,
}
HARMLESS = {"a pax header of 400,000 digits"}
"""Passed over: the archive around it is read."""
