"""Capture files as SageMaker writes them, decoded whole: the fast way to what `records` reads line by line.

A file in which anything is unusual is left to `records`, whose rules these are: what is plain is a part of what is
valid there, and has the same values.
Source of the fields: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal
from urllib.parse import unquote

import msgspec

EARLIEST = datetime(2017, 1, 1, tzinfo=UTC)
"""SageMaker came in November 2017."""
CLOCKS_DIFFER = timedelta(days=1)
LONGEST_ID = 256
"""Characters of an inference id; SageMaker takes 64."""
LONGEST_IMAGE_KEY = 1024
"""Characters, as SageMaker takes of custom attributes."""
ROUNDING = 1e-6
"""How far above 1 a probability may be, as float32 rounds."""
_LONGEST_ANSWER = 20_000
"""Characters; in more there might be too many lines."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Request(msgspec.Struct, rename="camel", gc=False):
    """A request as it was captured; its data is most of a line, and stays undecoded in the file's bytes until asked."""

    data: msgspec.Raw
    encoding: str
    observed_content_type: str = ""

    def content(self) -> bytes:
        """The bytes that went over the wire; raises ValueError when they are not what the encoding says."""
        return wire_content(msgspec.json.decode(self.data, type=str), self.encoding)


class PlainFile(msgspec.Struct, frozen=True):
    """The columns of a file, a value for each of its lines, which hold a prediction each."""

    offset: list[int]
    length: list[int]
    time: list[int]
    confidence: list[float]
    class_index: list[int]
    inference_id: list[str | None]
    image_key: list[str | None]
    probabilities: list[list[float]]
    requests: list[Request | None]


class _Answer(msgspec.Struct, rename="camel", gc=False):
    data: Annotated[str, msgspec.Meta(max_length=_LONGEST_ANSWER)]
    encoding: Literal["JSON", "CSV"]
    observed_content_type: str = ""


class _Data(msgspec.Struct, rename="camel", gc=False):
    endpoint_output: _Answer
    endpoint_input: Request | None = None


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    inference_time: datetime
    inference_id: Annotated[str, msgspec.Meta(max_length=LONGEST_ID)] | None = None
    custom_attributes: list[Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_IMAGE_KEY)]] | None = None


class _Record(msgspec.Struct, rename="camel", gc=False):
    capture_data: _Data
    event_metadata: _Metadata


_records = msgspec.json.Decoder(_Record)
_answer = msgspec.json.Decoder(list[float])


def read_plain(content: bytes, delivered_at: datetime) -> PlainFile | None:
    """The columns of a file that is plain, or None.

    Each line is a record with one answer, `[0.9, 0.1]` as text, at a time that has a zone.
    """
    starts = _line_starts(content)
    try:
        if starts is None or len(records := _records.decode_lines(content)) != len(starts) - 1:
            return None
        probabilities = [_answer.decode(record.capture_data.endpoint_output.data) for record in records]
        times = [record.event_metadata.inference_time for record in records]
        if not _are_valid(probabilities) or not EARLIEST <= min(times) <= max(times) <= delivered_at + CLOCKS_DIFFER:
            return None
        time = [microseconds(time) for time in times]
    except (ValueError, TypeError, OverflowError, RecursionError):  # TypeError: a time without a zone is compared
        return None
    confidence = list(map(max, probabilities))
    return PlainFile(
        offset=starts[:-1],
        length=[end - start for start, end in pairwise(starts)],
        time=time,
        confidence=confidence,
        class_index=list(map(list.index, probabilities, confidence)),
        inference_id=[record.event_metadata.inference_id for record in records],
        image_key=[decoded_key((record.event_metadata.custom_attributes or (None,))[0]) for record in records],
        probabilities=probabilities,
        requests=[record.capture_data.endpoint_input for record in records],
    )


def decoded_key(attributes: str | None) -> str | None:
    """An image's key as ClassifyImage encodes it, percent-encoded UTF-8; what is none is as it stands."""
    if attributes is None or "%" not in attributes:
        return attributes
    try:
        return unquote(attributes, errors="strict")
    except UnicodeDecodeError:
        return attributes


def microseconds(time: datetime) -> int:
    """A time with a zone, since 1970 in UTC."""
    return (time - _EPOCH) // _MICROSECOND


def wire_content(data: str, encoding: str) -> bytes:
    """The bytes that went over the wire; raises ValueError when they are not what the encoding says."""
    return base64.b64decode(data, validate=True) if encoding == "BASE64" else data.encode()


def _line_starts(content: bytes) -> list[int] | None:
    """Where each line starts, and where the last ends; None when a record may lie over several lines.

    It cannot where each line goes from a brace to a brace: what follows a closing brace is no opening one within a
    record. So as many records as lines are one a line.
    """
    if b"\r" in content:  # it ends a line as well
        return None
    starts = [0]
    while start := content.find(b"\n", starts[-1]) + 1:
        if content[start - 2 : start] != b"}\n" or content[starts[-1]] != ord("{"):
            return None
        starts.append(start)
    return starts if starts[-1] == len(content) else None


def _are_valid(probabilities: Sequence[Sequence[float]]) -> bool:
    """Raises ValueError where an answer holds none."""
    return min(map(min, probabilities)) >= 0 and max(map(max, probabilities)) <= 1 + ROUNDING
