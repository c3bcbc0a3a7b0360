"""Lines of capture files, decoded: what the endpoint answered, when, and to which request.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture

_EARLIEST = datetime(2017, 1, 1, tzinfo=UTC)
"""SageMaker came in November 2017."""
_CLOCKS_DIFFER = timedelta(days=1)
_LONGEST_ID = 256
"""Characters of an inference id; SageMaker takes 64."""
_LONGEST_REASON = 200
"""Characters; a line chooses some of them."""
_ROUNDING = 1e-6
"""How far above 1 a probability may be, as float32 rounds."""
_MOST_PREDICTIONS = 10_000
"""In one answer."""


class Side(msgspec.Struct, rename="camel", gc=False):
    """A request or an answer as it was captured."""

    data: str
    encoding: str
    observed_content_type: str = ""

    def content(self) -> bytes:
        """The bytes that went over the wire; raises ValueError when they are not what the encoding says."""
        if self.encoding == "BASE64":
            return base64.b64decode(self.data, validate=True)
        return self.data.encode()


class CaptureData(msgspec.Struct, rename="camel", gc=False):
    """Either side may be missing: an endpoint can be set to capture one of them."""

    endpoint_input: Side | None = None
    endpoint_output: Side | None = None


class EventMetadata(msgspec.Struct, rename="camel", gc=False):
    """When the inference was, and what it goes by."""

    inference_time: datetime
    inference_id: str | None = None


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

    A line whose answer holds several predictions is several inferences.
    """

    offset: int
    length: int
    inference_id: str | None
    time: datetime
    probabilities: list[float]

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


_decoder = msgspec.json.Decoder(CaptureRecord)
_prediction = msgspec.json.Decoder(Prediction | list[float])


def read_lines(content: bytes, delivered_at: datetime) -> Iterator[Inference | BrokenLine]:
    """The inferences of a capture file, and the lines that are none; whatever a line holds, the others are read.

    `delivered_at` is when the file was written: no inference in it can be later, but for clocks that differ.
    """
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


def read_image(request: Side | None) -> tuple[bytes | None, str | None]:
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
    if not all(0 <= value <= 1 + _ROUNDING for value in values):
        raise ValueError("the answer holds numbers that are no probabilities from 0 to 1")
    return values


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
    for probabilities in predictions:
        yield Inference(offset, len(line), inference_id, time, probabilities)


def _checked_time(time: datetime, delivered_at: datetime) -> datetime:
    """In UTC, which it is where it does not say; raises ValueError when there can have been no inference then."""
    try:
        utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the inference time is outside of the calendar") from error
    if utc < _EARLIEST:
        raise ValueError(f"the inference time is before {_EARLIEST.year}, when there was no SageMaker")
    if utc > delivered_at + _CLOCKS_DIFFER:
        raise ValueError("the inference time is more than a day after the file was written")
    return utc


def _checked_id(inference_id: str | None) -> str | None:
    if inference_id is not None and len(inference_id) > _LONGEST_ID:
        raise ValueError(f"the inference id has more than {_LONGEST_ID} characters")
    return inference_id
