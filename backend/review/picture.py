"""What an endpoint captured of an item: the picture, which a person sees, and the answer, which comes after."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from backend.aws.environment import Environment
from backend.errors import CaptureMissing
from backend.monitoring import CaptureSource
from backend.monitoring.objects import BrokenFile, fetch_line, open_place
from backend.monitoring.records import decode_predictions, decode_record, read_image
from backend.review.queue import Item, Queue


@dataclass(frozen=True)
class Captured:
    """A captured request and its answer.

    `image` is None where there is none that can be shown: `problem` says why. `event_id` is the record's inference id
    or, where the caller gave none, the id that SageMaker gave the event: both are what ground truth is joined by.
    Source: SageMaker developer guide, "Ingest Ground Truth labels and merge them with predictions".
    """

    image: bytes | None
    problem: str | None
    probabilities: tuple[float, ...]
    event_id: str | None


class _Metadata(msgspec.Struct, rename="camel"):
    event_id: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    event_metadata: _Metadata


def read_captured(environment: Environment, queue: Queue, item: Item) -> Captured:
    """Read an item's line from its capture file; where that is gone, or another one, its `problem` says so.

    Raises CaptureUnavailable when it cannot be read now.
    """
    try:
        place = open_place(environment, CaptureSource(queue.source))
        line = fetch_line(place, item.key, item.etag, item.offset, item.length)
        record = decode_record(line)
        event = msgspec.json.decode(line, type=_Event)
        answer = record.capture_data.endpoint_output
        probabilities = tuple(decode_predictions(answer)[item.position]) if answer is not None else ()
    except CaptureMissing as error:
        return Captured(None, str(error), (), item.inference_id)
    except (BrokenFile, ValueError, IndexError):
        changed = f"Capture file {item.key} is not the one that the queue was drawn from."
        return Captured(None, changed, (), item.inference_id)
    image, problem = read_image(record.capture_data.endpoint_input)
    if image is None:
        problem = problem or "The endpoint did not capture its input."
    return Captured(image, problem, probabilities, item.inference_id or event.event_metadata.event_id)
