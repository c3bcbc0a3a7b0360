"""What was read of several capture files, as the tables that the store takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

import numpy as np
import pyarrow as pa

from backend.monitoring.bins import bins_of
from backend.monitoring.pictures import Picture
from backend.monitoring.plain import Request
from backend.monitoring.records import BrokenLine, ReadLines

MOST_PROBABILITIES: Final = 100
"""Classes of an answer up to which the store keeps the probability of each: those of a thousand would be most of it."""
_REASONS: Final = 15  # that are kept of a file
_ANOTHER_REASON: Final = f"another reason than the first {_REASONS} in its file"


@dataclass(frozen=True)
class Part:
    """Lines of the file with this number in its batch, from byte `start` on, and what was measured of their inputs."""

    file: int
    lines: ReadLines
    pictures: Sequence[Picture]
    start: int = 0


def records_table(parts: Sequence[Part], record_ids: Any, file_ids: Any, stream_ids: Any) -> pa.Table:
    """The captured records in the order of their times; the ids of files and streams are by the number of the file."""
    files = np.repeat([part.file for part in parts], [len(part.lines.time) for part in parts])
    confidences = np.array(_column(parts, "confidence"), np.float64)
    columns = {
        "file_id": file_ids[files],
        "offset": [part.start + offset for part in parts for offset in part.lines.offset],
        "length": _column(parts, "length"),
        "position": pa.array(_column(parts, "position"), pa.int32()),
        "stream_id": stream_ids[files],
        "time": pa.array(_column(parts, "time"), pa.timestamp("us")),
        "class_index": pa.array(_column(parts, "class_index"), pa.int32()),
        "confidence": confidences,
        "bin": bins_of(confidences),
        "inference_id": pa.array(_column(parts, "inference_id"), pa.string()),
        "image_key": pa.array(_column(parts, "image_key"), pa.string()),
    }
    pictures = list(chain.from_iterable(part.pictures for part in parts))
    for name, kind in (("width", pa.int32()), ("height", pa.int32())):
        columns[name] = pa.array([getattr(picture, name) for picture in pictures], kind)
    for name in ("brightness", "contrast", "sharpness"):
        columns[name] = pa.array([getattr(picture, name) for picture in pictures], pa.float32())
    columns["probabilities"] = pa.array(_probabilities(parts), pa.list_(pa.float32()))
    columns["content"] = pa.array(chain.from_iterable(map(_contents, parts)), pa.uint64())
    table = pa.table(columns).sort_by("time")
    return table.add_column(0, "record_id", pa.array(record_ids))


def quarantine_table(parts: Iterable[Part], file_ids: Any) -> pa.Table:
    """Every broken line; of the reasons, which may be another one in each line, as many as a file's kinds of faults."""
    rows = [
        (file_ids[part.file], part.start + line.offset, line.length, reason)
        for part in parts
        for line, reason in _reasons(part.lines.broken)
    ]
    ids, offsets, lengths, reasons = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "file_id": pa.array(ids, pa.int64()),
            "offset": pa.array(offsets, pa.int64()),
            "length": pa.array(lengths, pa.int64()),
            "reason": pa.array(reasons, pa.string()),
        }
    )


def _column(parts: Sequence[Part], name: str) -> list[Any]:
    return list(chain.from_iterable(getattr(part.lines, name) for part in parts))


def _probabilities(parts: Sequence[Part]) -> list[list[float] | None]:
    found: list[list[float]] = _column(parts, "probabilities")
    return [values if len(values) <= MOST_PROBABILITIES else None for values in found]


def _contents(part: Part) -> list[int | None]:
    """A number for each request, the same for the same one; the answers to one request each have their own."""
    return [
        None if request is None else _number(request, position)
        for request, position in zip(part.lines.inputs, part.lines.position, strict=True)
    ]


def _number(request: Request, position: int) -> int:
    digest = hashlib.blake2b(request.data, digest_size=8, salt=position.to_bytes(8, "big"))
    return int.from_bytes(digest.digest(), "big") or 1  # 0 is what a detector takes for not known


def _reasons(broken: Sequence[BrokenLine]) -> list[tuple[BrokenLine, str]]:
    kept = set(islice(dict.fromkeys(line.reason for line in broken), _REASONS))
    return [(line, line.reason if line.reason in kept else _ANOTHER_REASON) for line in broken]
