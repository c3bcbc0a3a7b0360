"""Unpacking gzip, bzip2 and xz piece by piece, within bounds of memory."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_PIECE_BYTES = 1 << 20
_XZ_BYTES = 100 << 20  # of memory; the strongest preset, -9, takes 65 MB
_MAGIC_BYTES = 6
_MAX_STREAMS = 10_000  # parallel packers make one of each block: of 64 kB, the original has 3,000


class UnpackingError(Exception):
    """When a packed file is damaged."""


class CutOff(UnpackingError):
    """When a packed file ends before its content does."""


class _Unpacker(Protocol):
    """What bz2 and lzma have: unpacks one stream, and tells where it ends."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gunzip:
    """zlib's unpacker of gzip, which hands back what it has not looked at yet, in the manner of bz2's."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._unpacker.decompress(self._rest + data, max_length)
        self._rest = self._unpacker.unconsumed_tail
        return unpacked


_FORMATS: dict[bytes, Callable[[], _Unpacker]] = {
    b"\x1f\x8b": _Gunzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_BYTES),
}
"""What unpacks a stream, by how that begins."""


@contextmanager
def unpacked(file: io.BufferedReader[Any]) -> Iterator[io.BufferedReader[Any]]:
    """The content of a file that is packed by gzip, bzip2 or xz, or the file itself when it is not.

    Reading raises UnpackingError for one that is damaged, and CutOff, one of its kind, for one that is cut off.
    """
    magic = _magic_of(file.peek(_MAGIC_BYTES))
    if magic is None:
        yield file
        return
    with io.BufferedReader(_Unpacked(file, magic), _PIECE_BYTES) as content:
        yield content


class _Unpacked(io.RawIOBase):
    """The content of a packed file, of one stream after the other; what follows them and is none is passed over."""

    def __init__(self, file: io.BufferedReader[Any], magic: bytes) -> None:
        self._file = file
        self._magic = magic
        self._packed = b""  # read, and not given to an unpacker yet
        self._streams = 0
        self._unpacker: _Unpacker | None = self._new_unpacker()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        while self._unpacker is not None:
            piece = self._next(self._unpacker, min(len(view), _PIECE_BYTES))
            if piece:
                view[: len(piece)] = piece
                return len(piece)
            self._unpacker = self._follower(self._unpacker.unused_data)
        return 0

    def _next(self, unpacker: _Unpacker, most: int) -> bytes:
        """Some bytes; none at the stream's end."""
        piece = b"" if unpacker.eof else self._unpack(unpacker, b"", most)  # what it holds back comes first
        while not piece and not unpacker.eof:
            packed = self._packed or self._file.read1(_PIECE_BYTES)
            self._packed = b""
            piece = self._unpack(unpacker, packed, most)
            if not packed and not piece and not unpacker.eof:
                raise CutOff("it ends too early")
        return piece

    def _unpack(self, unpacker: _Unpacker, packed: bytes, most: int) -> bytes:
        try:
            return unpacker.decompress(packed, most)
        except (zlib.error, lzma.LZMAError, OSError) as error:  # OSError is what bz2 raises
            raise UnpackingError(str(error)) from error

    def _follower(self, rest: bytes) -> _Unpacker | None:
        """The unpacker of the next stream, which zeros may precede; None when there is none."""
        while len(rest := rest.lstrip(b"\0")) < _MAGIC_BYTES and (packed := self._file.read1(_PIECE_BYTES)):
            rest += packed
        self._packed = rest
        return self._new_unpacker() if _magic_of(rest) == self._magic else None

    def _new_unpacker(self) -> _Unpacker:
        self._streams += 1
        if self._streams > _MAX_STREAMS:
            raise UnpackingError(f"it is packed in more than {_MAX_STREAMS:,} streams")
        return _FORMATS[self._magic]()


def _magic_of(start: bytes) -> bytes | None:
    return next((magic for magic in _FORMATS if start.startswith(magic)), None)
