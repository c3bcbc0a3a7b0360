"""Lines of capture files, decoded: what the endpoint answered, when, and to which request.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from backend.errors import InvalidImage
from backend.monitoring.plain import (
    CLOCKS_DIFFER,
    EARLIEST,
    LONGEST_ID,
    LONGEST_IMAGE_KEY,
    ROUNDING,
    Request,
    decoded_key,
    microseconds,
    read_plain,
    wire_content,
)
from backend.staging.pictures import check_picture

_LONGEST_REASON = 200
"""Characters; a line chooses some of them."""
_MOST_PREDICTIONS = 10_000
"""In one answer."""


class Side(msgspec.Struct, rename="camel", gc=False):
    """An answer as it was captured."""

    data: str
    encoding: str
    observed_content_type: str = ""

    def content(self) -> bytes:
        """The bytes that went over the wire; raises ValueError when they are not what the encoding says."""
        return wire_content(self.data, self.encoding)


class CaptureData(msgspec.Struct, rename="camel", gc=False):
    """Either side may be missing: an endpoint can be set to capture one of them."""

    endpoint_input: Request | None = None
    endpoint_output: Side | None = None


class EventMetadata(msgspec.Struct, rename="camel", gc=False):
    """When the inference was, and what it goes by; the caller's own attributes may be anything, or empty."""

    inference_time: datetime
    inference_id: str | None = None
    custom_attributes: msgspec.Raw = msgspec.Raw()


class CaptureRecord(msgspec.Struct, rename="camel", gc=False):
    """One line of a capture file."""

    capture_data: CaptureData
    event_metadata: EventMetadata


class Prediction(msgspec.Struct, gc=False):
    """An answer's line in JSON Lines, as the built-in image classification writes it."""

    prediction: list[float]


@dataclass(frozen=True, slots=True)
class Inference:
    """A captured inference, and where its line is: byte `offset` and `length` in its object.

    A line whose answer holds several predictions is several inferences, at `position` 0, 1, ...
    """

    offset: int
    length: int
    position: int
    inference_id: str | None
    image_key: str | None
    time: datetime
    probabilities: list[float]
    request: Request | None

    @property
    def confidence(self) -> float:
        return max(self.probabilities)

    @property
    def predicted_index(self) -> int:
        return self.probabilities.index(self.confidence)


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that is no captured inference, and why."""

    offset: int
    length: int
    reason: str


class ReadLines(msgspec.Struct):
    """What a capture file holds, a column for each property of its inferences, and its lines that are none.

    `offset` and `length` are the bytes of the line in its file, its newline included; `position` counts the predictions
    of a line from 0; `time` is in microseconds since 1970, UTC; `image_key` is what the caller gave as custom
    attributes, decoded as the workflow encodes its images' keys. `inputs` is empty unless it was asked for: then a
    request for each inference, or None where it was not captured, which keeps the file's bytes in memory.
    """

    offset: list[int] = []
    length: list[int] = []
    position: list[int] = []
    time: list[int] = []
    confidence: list[float] = []
    class_index: list[int] = []
    inference_id: list[str | None] = []
    image_key: list[str | None] = []
    probabilities: list[list[float]] = []
    inputs: list[Request | None] = []
    broken: list[BrokenLine] = []

    def append(self, inference: Inference) -> None:
        """Add an inference, but for its input."""
        self.offset.append(inference.offset)
        self.length.append(inference.length)
        self.position.append(inference.position)
        self.time.append(microseconds(inference.time))
        self.confidence.append(inference.confidence)
        self.class_index.append(inference.predicted_index)
        self.inference_id.append(inference.inference_id)
        self.image_key.append(inference.image_key)
        self.probabilities.append(inference.probabilities)


_decoder = msgspec.json.Decoder(CaptureRecord)
_prediction = msgspec.json.Decoder(Prediction | list[float])
_attributes = msgspec.json.Decoder(str | list[Any])


def read_file(content: bytes, delivered_at: datetime, *, with_inputs: bool = False) -> ReadLines:
    """The inferences of a capture file, and the lines that are none; whatever a line holds, the others are read.

    `delivered_at` is when the file was written: no inference in it can be later, but for clocks that differ.
    """
    plain = read_plain(content, delivered_at)
    if plain is None:
        return _collect(read_lines(content, delivered_at), with_inputs)
    return ReadLines(
        offset=plain.offset,
        length=plain.length,
        position=[0] * len(plain.offset),
        time=plain.time,
        confidence=plain.confidence,
        class_index=plain.class_index,
        inference_id=plain.inference_id,
        image_key=plain.image_key,
        probabilities=plain.probabilities,
        inputs=plain.requests if with_inputs else [],
    )


def read_lines(content: bytes, delivered_at: datetime) -> Iterator[Inference | BrokenLine]:
    """The same line by line: slower, and with all that an answer holds."""
    offset = 0
    for line in content.splitlines(keepends=True):
        if line.strip():
            yield from _read_line(line, offset, delivered_at)
        offset += len(line)


def decode_record(line: bytes) -> CaptureRecord:
    """A line as it stands; raises ValueError (msgspec's ValidationError is one) when it is no record."""
    try:
        return _decoder.decode(line)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deep") from error


def decode_predictions(side: Side) -> list[list[float]]:
    """The probabilities of each prediction in an answer; raises ValueError when there are none.

    The answer is JSON (`[0.9, 0.1]`), CSV (`0.9,0.1`) or JSON Lines (`{"prediction": [0.9, 0.1]}`); the last two may
    have several lines.
    Source: SageMaker developer guide, "Image Classification - MXNet", inference response formats.
    """
    text = side.content().decode().strip()
    try:
        return [_probabilities(document) for document in _documents(text)]
    except RecursionError as error:
        raise ValueError("the answer's brackets are nested too deep") from error


def read_image(request: Request | None) -> tuple[bytes | None, str | None]:
    """The image of a request when it can be shown; otherwise None and, where there should be one, a sentence why."""
    if request is None:
        return None, None
    try:
        content = request.content()
        check_picture("The captured input", content)
    except InvalidImage as error:
        return None, str(error)
    except ValueError as error:
        return None, f"The captured input is not what its encoding says ({error})."
    return content, None


def _documents(text: str) -> list[str]:
    """The JSON of each prediction in an answer."""
    if not text:
        raise ValueError("the answer holds no probabilities")
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > _MOST_PREDICTIONS:
        raise ValueError(f"the answer holds more than {_MOST_PREDICTIONS:,} lines")
    if text[0] not in "[{":
        return [f"[{line}]" for line in lines]
    are_whole = all(line.strip()[0] in "[{" and line.strip()[-1] in "]}" for line in lines)
    return lines if are_whole else [text]


def _probabilities(document: str) -> list[float]:
    found = _prediction.decode(document)
    values = found.prediction if isinstance(found, Prediction) else found
    if not values:
        raise ValueError("the answer holds no probabilities")
    if not all(0 <= value <= 1 + ROUNDING for value in values):
        raise ValueError("the answer holds numbers that are no probabilities from 0 to 1")
    return values


def _collect(lines: Iterator[Inference | BrokenLine], with_inputs: bool) -> ReadLines:
    read = ReadLines()
    for line in lines:
        if isinstance(line, BrokenLine):
            read.broken.append(line)
            continue
        read.append(line)
        if with_inputs:
            read.inputs.append(line.request)
    return read


def _read_line(line: bytes, offset: int, delivered_at: datetime) -> Iterator[Inference | BrokenLine]:
    try:
        record = decode_record(line)
        answer = record.capture_data.endpoint_output
        if answer is None:
            raise ValueError("the record holds no answer of the endpoint")
        inference_id = _checked_id(record.event_metadata.inference_id)
        time = _checked_time(record.event_metadata.inference_time, delivered_at)
        predictions = decode_predictions(answer)
    except ValueError as error:
        yield BrokenLine(offset, len(line), str(error)[:_LONGEST_REASON])
        return
    image_key = _image_key(record.event_metadata.custom_attributes)
    request = record.capture_data.endpoint_input
    for position, probabilities in enumerate(predictions):
        yield Inference(offset, len(line), position, inference_id, image_key, time, probabilities, request)


def _image_key(custom_attributes: msgspec.Raw) -> str | None:
    """The first text among the caller's attributes, decoded; None when there is none that can be a key."""
    try:
        found = _attributes.decode(custom_attributes)
    except (ValueError, RecursionError):
        return None
    texts = [found] if isinstance(found, str) else [value for value in found if isinstance(value, str)]
    return decoded_key(texts[0]) if texts and 0 < len(texts[0]) <= LONGEST_IMAGE_KEY else None


def _checked_time(time: datetime, delivered_at: datetime) -> datetime:
    """In UTC, which it is where it does not say; raises ValueError when there can have been no inference then."""
    try:
        utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the inference time is outside of the calendar") from error
    if utc < EARLIEST:
        raise ValueError(f"the inference time is before {EARLIEST.year}, when there was no SageMaker")
    if utc > delivered_at + CLOCKS_DIFFER:
        raise ValueError("the inference time is more than a day after the file was written")
    return utc


def _checked_id(inference_id: str | None) -> str | None:
    if inference_id is not None and len(inference_id) > LONGEST_ID:
        raise ValueError(f"the inference id has more than {LONGEST_ID} characters")
    return inference_id
