"""Where capture files stand: which endpoint's and variant's they are, and of which hour, as their paths tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

_ENDINGS = (".jsonl", ".jsonl.gz")
_HOUR_PARTS = (4, 2, 2, 2)  # digits of yyyy/mm/dd/hh
_NO_FOLDERS = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Stream:
    """What captured a file: an endpoint's variant; "" for what the path does not tell."""

    endpoint: str
    variant: str


@dataclass(frozen=True, slots=True)
class Located:
    """What a capture file's path tells.

    `folder` is where the hours of its stream are, "" or ending in a slash; `hour` is when its hour begins, if told.
    """

    stream: Stream
    folder: str
    hour: datetime | None


def recognise(path: str) -> Stream | None:
    """The stream of a file at this path below a source's prefix; None where that is no capture file."""
    located = locate(path)
    return located.stream if located else None


def locate(path: str) -> Located | None:
    """Where a file stands among capture files; None where no capture file has such a path.

    `.../<endpoint>/<variant>/yyyy/mm/dd/hh/<name>.jsonl`, the same with less in front of the year, or `<name>.jsonl`
    alone; each may be a `.jsonl.gz`. Source: SageMaker developer guide, "Capture data".
    """
    folder, _, name = path.rpartition("/")
    if path.startswith("/") or not name.endswith(_ENDINGS) or name in _ENDINGS or not name.isprintable():
        return None
    return _located(folder)


def hour_folder(located: Located, time: datetime) -> str:
    """The folder of that time's hour in the same stream: all files of earlier hours have keys before it.

    `time` is in UTC.
    """
    return f"{located.folder}{time:%Y/%m/%d/%H}/"


@lru_cache(maxsize=4096)
def _located(folder: str) -> Located | None:
    """Of all files in a folder, which are many: "" is the prefix itself."""
    if not folder:
        return Located(Stream("", ""), "", None)
    parts = folder.split("/")
    if not folder.isprintable() or not _NO_FOLDERS.isdisjoint(parts):
        return None
    hour = _hour(parts[-4:])
    if hour is None:
        return None
    above = parts[:-4]
    endpoint, variant = ["", "", *above][-2:]
    return Located(Stream(endpoint, variant), "".join(f"{part}/" for part in above), hour)


def _hour(parts: list[str]) -> datetime | None:
    if tuple(map(len, parts)) != _HOUR_PARTS or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    try:
        return datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
