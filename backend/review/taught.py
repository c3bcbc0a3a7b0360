"""What people labelled, as images to train the next model on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.aws.environment import Environment
from backend.review.desk import OPINIONS
from backend.review.picture import read_captured
from backend.review.progress import Progress
from backend.review.queue import Item, Queue, list_queues
from backend.staging import ReviewedPicture

_THREADS: Final = 16


@dataclass(frozen=True)
class _Known:
    """A captured picture of which it is known what it is, and since when."""

    queue: Queue
    item: Item
    label: str
    since: datetime


def count_known(environment: Environment) -> Counter[str]:
    """How many captured pictures were labelled, by label, each once. Raises AwsRequestError."""
    return Counter(known.label for known in _known(environment).values())


def read_known(environment: Environment) -> list[ReviewedPicture]:
    """These pictures as they were captured, those that were labelled first before the others.

    Raises AwsRequestError, CaptureUnavailable.
    """
    found = sorted(_known(environment).values(), key=lambda known: (known.since, known.item.number))
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda known: _read(environment, known), found))


def _known(environment: Environment) -> Mapping[tuple[str, str, int, int], _Known]:
    """By the place of the record; of what was said in two queues the later holds."""
    known: dict[tuple[str, str, int, int], _Known] = {}
    for queue in list_queues(environment):
        progress = Progress(queue, OPINIONS.of_queue(environment, queue.queue_id))
        labels = progress.labels()
        for item in queue.items:
            if item.number in labels:
                since = max(one.changed_at or one.labelled_at for one in progress.of(item.number))
                place = (queue.source, item.key, item.offset, item.position)
                if place not in known or known[place].since < since:
                    known[place] = _Known(queue, item, labels[item.number], since)
    return known


def _read(environment: Environment, known: _Known) -> ReviewedPicture:
    item = known.item
    name = item.inference_id or f"{known.queue.queue_id}-{item.number}"
    return ReviewedPicture(name, known.label, read_captured(environment, known.queue, item).image, item.image_key)
