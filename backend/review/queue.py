"""Queues of captured records that people are to label: which records, why these, and where it is all kept.

A queue is drawn once and stays as it was drawn: its records are named by their places in the capture files, so it can
be gone on with on another machine, or after the cache was deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Final

import msgspec

from backend.aws.bucket import list_folders, read_object, write_object
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.names import REVIEW_PREFIX
from backend.errors import ReviewDamaged
from backend.staging.labels import OTHER

_THREADS: Final = 8


class Kind(StrEnum):
    """How the records of a queue were chosen."""

    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DRIFT = "drift"
    SAMPLE = "sample"


MEANINGS: Final[dict[Kind, str]] = {
    Kind.REJECTED: "The newest that did not pass: below the threshold, or no known class.",
    Kind.UNCERTAIN: "Those of which the model was least sure.",
    Kind.DRIFT: "Of the time of a drift, drawn by lot.",
    Kind.SAMPLE: "Drawn by lot from strata of confidence: its labels say how often the model is right.",
}


@dataclass(frozen=True)
class Item:
    """A captured record to be labelled, and where its line is: byte `offset` and `length` in the file `key`.

    `weight` is how many records of the window it stands for, None where it was not drawn by a plan. `job` is the
    training job whose model answered, where that is certain.
    """

    number: int
    key: str
    etag: str
    offset: int
    length: int
    position: int
    time: datetime
    endpoint: str
    variant: str
    class_index: int
    confidence: float
    inference_id: str | None = None
    image_key: str | None = None
    weight: float | None = None
    stratum: int | None = None
    job: str | None = None


@dataclass(frozen=True)
class DrawnStratum:
    """A stratum of a sample: its records in the window, and the share of them that is expected to be right."""

    size: int
    expected: float


@dataclass(frozen=True)
class Queue:
    """Records of a source to be labelled, in this order; `opinions` people are asked about each, 1 or 2.

    `labels` are the model's classes in the order of their index. The records are from `start` to before `end`.
    """

    queue_id: str
    kind: Kind
    made_at: datetime
    made_by: str
    source: str
    start: datetime
    end: datetime
    labels: tuple[str, ...]
    items: tuple[Item, ...]
    opinions: int = 1
    strata: tuple[DrawnStratum, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be said of a picture: a class, or that it is none of them."""
        return self.labels if OTHER in self.labels else (*self.labels, OTHER)

    def answer(self, item: Item) -> str:
        """The class that the model answered, in words."""
        return self.labels[item.class_index] if item.class_index < len(self.labels) else f"class {item.class_index}"


@dataclass(frozen=True)
class QueueKeys:
    """Where a queue is kept; its id is the time at which it was drawn, to the microsecond, in UTC."""

    queue_id: str

    @property
    def prefix(self) -> str:
        return f"{REVIEW_PREFIX}{self.queue_id}/"

    @property
    def description(self) -> str:
        return f"{self.prefix}queue.json"

    @property
    def opinions(self) -> str:
        return f"{self.prefix}opinions/"

    def opinion(self, item: int, slot: int) -> str:
        """What was said of an item by the person who was asked at this place, from 1."""
        return f"{self.opinions_of(item)}{slot}.json"

    def opinions_of(self, item: int) -> str:
        """How the keys of all that was said of an item begin."""
        return f"{self.opinions}{item:05d}-"

    def claim(self, item: int) -> str:
        """Who looks at an item now."""
        return f"{self.prefix}claims/{item:05d}.json"


_decoder = msgspec.json.Decoder(Queue)


def write_queue(environment: Environment, queue: Queue) -> None:
    """Write down a queue; raises AwsRequestError."""
    key = QueueKeys(queue.queue_id).description
    write_object(environment, key, msgspec.json.encode(queue), "application/json", action="write down a review queue")


def read_queue(environment: Environment, queue_id: str) -> Queue | None:
    """The queue of this id; None when there is none. Raises ReviewDamaged when it cannot be read, AwsRequestError."""
    key = QueueKeys(queue_id).description
    content = read_object(environment, key)
    try:
        return _decoder.decode(content) if content is not None else None
    except msgspec.MsgspecError as error:
        raise ReviewDamaged(f"Review queue {key} cannot be read ({error}). Make another one.") from error


def list_queues(environment: Environment, most: int | None = None) -> list[Queue]:
    """All queues or the newest so many, newest first; one that cannot be read is left out. Raises AwsRequestError."""
    with aws_errors("list the review queues"):
        folders: Sequence[str] = find(list, list_folders(environment, REVIEW_PREFIX)) or []
    ids = [folder.removeprefix(REVIEW_PREFIX).rstrip("/") for folder in sorted(folders, reverse=True)]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda queue_id: _read_or_none(environment, queue_id), islice(ids, most))
        return [queue for queue in found if queue is not None]


def _read_or_none(environment: Environment, queue_id: str) -> Queue | None:
    try:
        return read_queue(environment, queue_id)
    except ReviewDamaged:
        return None
