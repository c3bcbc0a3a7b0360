"""The members of a tar, one header after the other, read in one pass.

Python's `tarfile` interprets pax headers and long names that a stranger wrote: it takes quadratic time for some (before
Python 3.11.10) and calls itself for each that follows another. No CIFAR archive needs either, and of pictures only the
names are cut, so here they are passed over as any other member, and `tarfile` only parses single headers.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from backend.errors import InvalidArchive

ADVICE = 'Choose CIFAR-100\'s "Python version" (cifar-100-python.tar.gz), unchanged.'
_MAX_LINE = 64 << 10
_CHUNK_BYTES = 1 << 20
_WITHOUT_CONTENT = frozenset(
    {tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE}
)
_FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})


@dataclass(frozen=True)
class Limits:
    """What an archive may have: bytes when unpacked, and headers; `advice` is for who gives one that has more."""

    unpacked: int
    headers: int
    advice: str


CIFAR_LIMITS = Limits(256 << 20, 1000, ADVICE)  # the original has 187 MB and five headers


class Readable(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class BoundedStream:
    """Hands a stream on until it has given more than an archive may hold: then it raises InvalidArchive."""

    def __init__(self, stream: Readable, limits: Limits = CIFAR_LIMITS) -> None:
        self._stream = stream
        self.limits = limits
        self._left = limits.unpacked

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._spend(len(data))
        return data

    def member(self, name: str, size: int) -> Member:
        """The next bytes as a file. They are counted here, as a pickle reads many thousand times a byte or two."""
        self._spend(size)
        return Member(name, size, self._stream)

    def drain(self) -> None:
        """Read to the end."""
        while self.read(_CHUNK_BYTES):
            pass

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            most = f"{self.limits.unpacked >> 20} MB"
            raise InvalidArchive(f"The archive unpacks to more than {most}. {self.limits.advice}")


class Member:
    """A file in the archive, to be read before the next one is asked for; `size` is in bytes."""

    def __init__(self, name: str, size: int, stream: Readable) -> None:
        self.name = name
        self.size = size
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size if 0 <= size <= self._left else self._left)
        self._left -= len(data)
        return data

    def readline(self, size: int = _MAX_LINE, /) -> bytes:
        """The next line, or as much of it as a line may have."""
        data = self._stream.readline(min(size, self._left))
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Pass over what is left of it; raises EOFError when there is less."""
        while self._left:
            if not self.read(_CHUNK_BYTES):
                raise EOFError


def files(stream: BoundedStream) -> Iterator[Member]:
    """The regular files of a tar.

    Raises tarfile.TarError for what is no tar or a damaged one, EOFError for one that is cut off, InvalidArchive for
    one with more headers than its limits allow.
    """
    limits = stream.limits
    for number in range(limits.headers):
        header = stream.read(tarfile.BLOCKSIZE)
        if number and not header.strip(b"\0"):  # the end, with or without the blocks of zeros that mark it
            return
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if info.size < 0 or info.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("it has a member with holes, or of no size")
        size = 0 if info.type in _WITHOUT_CONTENT else info.size
        member = stream.member(info.name, size)
        if info.type in _FILES:
            yield member
        member.skip()
        stream.member("padding", -size % tarfile.BLOCKSIZE).skip()
    raise InvalidArchive(f"The archive has more than {limits.headers:,} headers. {limits.advice}")
