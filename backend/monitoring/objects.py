"""Capture files: what a source has, and their content, whichever kind of place it is in."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO

from backend.errors import CaptureMissing
from backend.monitoring.layout import Located, Stream, hour_folder, locate
from backend.monitoring.places import Place, Stored, Unrecognised, open_place

__all__ = [
    "PART_BYTES",
    "BrokenFile",
    "CaptureObject",
    "Listed",
    "Place",
    "Unrecognised",
    "fetch",
    "fetch_line",
    "fetch_parts",
    "list_all",
    "list_recent",
    "open_place",
]

PART_BYTES = 16 * 1024**2
_LARGE_GZIP = 1024**2
"""Bytes of a compressed file above which it is read in parts: what it unpacks to is not known."""
_LONGEST_LINE = 64 * 1024**2
_MOST_UNPACKED = 1024**3
_MOST_AT_ONCE = 256 * 1024**2
"""Bytes that a file may unpack to when it is not read in parts."""
_READ_AHEAD = 1024**2
_LISTED_AT_ONCE = 10_000
_WORTH_A_REQUEST = 500
"""Old files that a stream shows before it is asked for later ones: a source of many small streams costs no more."""
_GZIP_MAGIC = b"\x1f\x8b"
_UNTOLD = Stream("", "")


class BrokenFile(ValueError):
    """When no line of a capture file can be believed: its gzip is damaged, or it is beyond what is read of a file."""


@dataclass(frozen=True)
class CaptureObject:
    """A version of a capture file: `size` in bytes as it is stored, `delivered_at` when it was written there."""

    key: str
    etag: str
    delivered_at: datetime
    size: int
    stream: Stream = _UNTOLD

    @property
    def is_large(self) -> bool:
        """Whether it is to be read in parts (`fetch_parts`), so that memory stays bounded."""
        return self.size > (_LARGE_GZIP if self.key.endswith(".gz") else PART_BYTES)


@dataclass(frozen=True, slots=True)
class Listed:
    """All that a source has with keys behind `after` up to and with `until` (None: the last), in the order of its keys.

    What a store has in this range and is not in `files` is gone. Ranges do not overlap; what is in none was not
    looked at. Keys are compared by their code points, as S3, Python and DuckDB do.
    """

    after: str
    until: str | None
    files: list[CaptureObject] = field(default_factory=list)
    unrecognised: list[Unrecognised] = field(default_factory=list)


def list_all(place: Place) -> Iterator[Listed]:
    """Everything, in ranges of at most some 10,000 keys, the last of which has no end; raises CaptureUnavailable."""
    return _list(place, None)


def list_recent(place: Place, since: datetime) -> Iterator[Listed]:
    """As `list_all`, but for the hours of each stream before that of `since`, most of which are passed over unlisted.

    A bucket is asked one time more for each stream that has many old files, however many these are. Raises
    ValueError for a time without a zone, CaptureUnavailable.
    """
    if since.tzinfo is None:
        raise ValueError("the time has no zone")
    return _list(place, since.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


def _list(place: Place, oldest: datetime | None) -> Iterator[Listed]:
    """`oldest` is the first hour that is listed of each stream."""
    listed = Listed("", None)
    after: str | None = ""
    while after is not None:
        old = _OldFiles(oldest)
        for item in place.files(after):
            located = _add(place, listed, item)
            if jump := old.jump(located):
                after = place.prefix + jump
                yield replace(listed, until=_key(item))
                listed = Listed(after, None)
                break
            if len(listed.files) + len(listed.unrecognised) >= _LISTED_AT_ONCE and (key := _key(item)):
                yield replace(listed, until=key)
                listed = Listed(key, None)
        else:
            after = None
    yield listed


class _OldFiles:
    """Counts a stream's files of hours that are of no interest, until they are enough to be worth another request."""

    def __init__(self, oldest: datetime | None) -> None:
        self._oldest = oldest
        self._folder, self._seen = "", 0

    def jump(self, located: Located | None) -> str | None:
        """The folder of the hour to go on from, where it is time to."""
        if self._oldest is None or located is None or located.hour is None or located.hour >= self._oldest:
            return None
        self._seen = self._seen + 1 if located.folder == self._folder else 1
        self._folder = located.folder
        return hour_folder(located, self._oldest) if self._seen >= _WORTH_A_REQUEST else None


def _add(place: Place, listed: Listed, item: Stored | Unrecognised) -> Located | None:
    """Put what was listed where it belongs; empty objects that are no capture files stand for folders."""
    if isinstance(item, Unrecognised):
        listed.unrecognised.append(item)
        return None
    located = locate(item.key.removeprefix(place.prefix))
    if located:
        listed.files.append(CaptureObject(*item, located.stream))
    elif item.size:
        listed.unrecognised.append(Unrecognised.of(item.key))
    return located


def _key(item: Stored | Unrecognised) -> str | None:
    """The key with which a range may end: one that a database takes."""
    return item.key if isinstance(item, Stored) and item.key.isprintable() else None


def fetch(place: Place, item: CaptureObject) -> bytes | None:
    """A capture file as it was listed, unpacked; None when it was deleted or replaced meanwhile.

    Then the next listing has it. Meant for what is not large. Raises BrokenFile, CaptureUnavailable.
    """
    try:
        content = place.read(item.key, item.etag)
    except CaptureMissing:
        return None
    if not content.startswith(_GZIP_MAGIC):
        return content
    with _unpacked(io.BytesIO(content), _MOST_AT_ONCE) as file:
        return file.read()


def fetch_parts(place: Place, item: CaptureObject, part_bytes: int = PART_BYTES) -> Iterator[bytes]:
    """A capture file's unpacked content in parts of whole lines; one longer than a part makes its part longer.

    The parts follow each other without a gap: together they are the file. Raises CaptureMissing when it is replaced
    or deleted meanwhile, BrokenFile when something is wrong further on, CaptureUnavailable: then none of the
    parts that came before counts.
    """
    with _opened(place, item.key, item.etag, item.size) as file:
        rest = b""
        while content := file.read(part_bytes):
            first, end = content.find(b"\n") + 1, content.rfind(b"\n") + 1
            if len(rest) + (first or len(content)) > _LONGEST_LINE:
                raise BrokenFile(f"it has a line of more than {_LONGEST_LINE // 1024**2} MiB")
            if end:
                yield rest + content[:end]
                rest = content[end:]
            else:
                rest += content
        if rest:
            yield rest


def fetch_line(place: Place, key: str, etag: str, offset: int, length: int) -> bytes:
    """One line of a capture file, where it is in the unpacked content.

    Raises CaptureMissing when the file is not the one that was read before, CaptureUnavailable, BrokenFile.
    """
    if not key.endswith(".gz"):
        line = place.read(key, etag, (offset, offset + length))
        if _is_record(line) or not _is_gzip(place, key, etag):
            return line
    with _opened(place, key, etag) as file:
        while offset and (passed := file.read(min(offset, _READ_AHEAD))):
            offset -= len(passed)
        return file.read(length)


def _is_record(line: bytes) -> bool:
    """Whether it looks like one; a file that is compressed without saying so in its name has none."""
    return line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}")


def _is_gzip(place: Place, key: str, etag: str) -> bool:
    return place.read(key, etag, (0, len(_GZIP_MAGIC))) == _GZIP_MAGIC


def _opened(place: Place, key: str, etag: str, size: int | None = None) -> BinaryIO:
    """A capture file's unpacked content, of which little is in memory at a time."""
    file = io.BufferedReader(_Stored(place, key, etag, size), _READ_AHEAD)
    return _unpacked(file, _MOST_UNPACKED) if file.peek(2).startswith(_GZIP_MAGIC) else file


def _unpacked(file: BinaryIO, most: int) -> BinaryIO:
    return io.BufferedReader(_Unpacked(file, most), _READ_AHEAD)


class _Stored(io.RawIOBase):
    """A capture file as it is stored; each read is a request for so many bytes."""

    def __init__(self, place: Place, key: str, etag: str, size: int | None) -> None:
        self._place, self._key, self._etag, self._size = place, key, etag, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._position == self._size:
            return 0
        content = self._place.read(self._key, self._etag, (self._position, self._position + len(buffer)))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


class _Unpacked(io.RawIOBase):
    """What a gzip file holds; raises BrokenFile where it is damaged, or holds more than `most` bytes."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._left = gzip.GzipFile(fileobj=file), most
        self._most = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            content = self._file.read(len(buffer))
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise BrokenFile(f"its gzip is damaged ({error})") from error
        self._left -= len(content)
        if self._left < 0:
            raise BrokenFile(f"it unpacks to more than {self._most // 1024**2} MiB")
        buffer[: len(content)] = content
        return len(content)
