"""Lines of capture files, decoded: what the endpoint answered, when, and to which request.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec


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


@dataclass(frozen=True)
class Inference:
    """A captured inference, and where its line is: byte `offset` and `length` in its object."""

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


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no captured inference, and why."""

    offset: int
    length: int
    reason: str


_decoder = msgspec.json.Decoder(CaptureRecord)
_probabilities = msgspec.json.Decoder(list[float])


def read_lines(content: bytes) -> Iterator[Inference | BrokenLine]:
    """The inferences of a capture file, and the lines that are none."""
    offset = 0
    for line in content.splitlines(keepends=True):
        if line.strip():
            yield _read_line(line, offset)
        offset += len(line)


def decode_record(line: bytes) -> CaptureRecord:
    """A line as it stands; raises ValueError (msgspec's ValidationError is one) when it is no record."""
    return _decoder.decode(line)


def decode_probabilities(side: Side) -> list[float]:
    """The probabilities in an answer, of JSON or CSV; raises ValueError when there are none."""
    text = side.content().decode()
    values = _probabilities.decode(text if text.lstrip().startswith("[") else f"[{text.strip()}]")
    if not values:
        raise ValueError("the answer holds no probabilities")
    return values


def _read_line(line: bytes, offset: int) -> Inference | BrokenLine:
    try:
        record = decode_record(line)
        answer = record.capture_data.endpoint_output
        if answer is None:
            raise ValueError("the record holds no answer of the endpoint")
        metadata = record.event_metadata
        return Inference(
            offset=offset,
            length=len(line),
            inference_id=metadata.inference_id,
            time=metadata.inference_time.astimezone(UTC),
            probabilities=decode_probabilities(answer),
        )
    except (ValueError, json.JSONDecodeError) as error:
        return BrokenLine(offset, len(line), str(error))
