"""What people said of the pictures of a queue: an object of JSON an opinion, and the label as ground truth beside it.

The opinion is the fact, and is written first. The ground truth follows from it, under a key that follows from it too:
what a crash left out between the two is written again, as it would have been, when the queue is opened.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from backend import ground_truth
from backend.aws.bucket import list_objects, read_object, read_version, replace_object
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.errors import LabelRefused
from backend.review.queue import Item, Kind, Queue, QueueKeys

_THREADS: Final = 16
_KEY: Final = re.compile(r"(\d{5,})-(\d)\.json")
_MOST_OPINIONS: Final = 3
TRUTH_BEGINS: Final = "review-"
"""How the names of ground truth from reviews begin."""


@dataclass(frozen=True)
class Opinion:
    """What one person said of an item, and when: a label, or None where it was taken back.

    `slot` is the person's place among those who were asked, from 1. `first_label` was given before the model's answer
    was seen; the label may have been changed since, at `changed_at`. The rest is the item's, so that an opinion can be
    used without its queue. `event_id` is what SageMaker joins ground truth by.
    """

    item: int
    slot: int
    reviewer: str
    label: str | None
    first_label: str
    labelled_at: datetime
    changed_at: datetime | None
    kind: Kind
    weight: float | None
    source: str
    event_id: str | None
    inference_id: str | None
    image_key: str | None


@dataclass(frozen=True)
class Kept:
    """An opinion as it is in the bucket, and the version that it is."""

    opinion: Opinion
    etag: str


ByItem = Mapping[int, tuple[Kept, ...]]
"""The opinions of each item that has any, in the order in which they were given."""


class Opinions:
    """The opinions of all queues; what was read once is read again only where it was replaced. For any threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = defaultdict[str, dict[str, Kept]](dict)
        self._listed_at: dict[str, float] = {}
        self._noted = defaultdict[str, dict[str, tuple[float, Kept]]](dict)

    def of_queue(self, environment: Environment, queue_id: str, seconds: float = 0.0) -> ByItem:
        """What was said until now, or until so many seconds ago; what is none of ours is left out.

        What this process was told since is among it. Raises AwsRequestError.
        """
        began = time.monotonic()
        with self._lock:
            if began - self._listed_at.get(queue_id, -math.inf) < seconds:
                return _by_item(self._read[queue_id])
            known = dict(self._read[queue_id])
        found = _read_all(environment, queue_id, known)
        with self._lock:
            noted = self._noted[queue_id]
            self._noted[queue_id] = {key: note for key, note in noted.items() if note[0] >= began}
            found |= {key: kept for key, (_, kept) in self._noted[queue_id].items()}
            self._read[queue_id], self._listed_at[queue_id] = found, began
            return _by_item(found)

    def of_item(self, environment: Environment, queue_id: str, item: int) -> tuple[Kept, ...]:
        """What was said of one item until now. Raises AwsRequestError."""
        with self._lock:
            known = dict(self._read[queue_id])
        return _by_item(_read_all(environment, queue_id, known, item)).get(item, ())

    def note(self, queue_id: str, kept: Kept) -> None:
        """Know an opinion that was just written."""
        key = QueueKeys(queue_id).opinion(kept.opinion.item, kept.opinion.slot)
        with self._lock:
            self._read[queue_id][key] = kept
            self._noted[queue_id][key] = time.monotonic(), kept


def _read_all(
    environment: Environment, queue_id: str, known: Mapping[str, Kept], item: int | None = None
) -> dict[str, Kept]:
    """The opinions of a queue, or of one of its items, by key: those that are not known in their version are read."""
    keys = QueueKeys(queue_id)
    prefix = keys.opinions if item is None else keys.opinions_of(item)
    with aws_errors("list the labels of a review queue"):
        there = find(list, list_objects(environment, prefix)) or []
    tags = {one["Key"]: one["ETag"] for one in there if _KEY.fullmatch(one["Key"].removeprefix(keys.opinions))}
    new = [key for key, tag in tags.items() if key not in known or known[key].etag != tag]
    with ThreadPoolExecutor(_THREADS) as pool:
        read = dict(zip(new, pool.map(lambda key: _read(environment, key), new), strict=True))
    return {key: kept for key in tags if (kept := read.get(key) or known.get(key)) is not None}


def _by_item(kept: Mapping[str, Kept]) -> ByItem:
    by_item = defaultdict[int, list[Kept]](list)
    for key in sorted(kept):
        by_item[kept[key].opinion.item].append(kept[key])
    return {item: tuple(of_item) for item, of_item in by_item.items()}


def give(environment: Environment, queue: Queue, item: Item, opinion: Opinion, others: Sequence[Kept]) -> Kept:
    """Keep a new opinion; `others` are those that were given of the item before.

    Once this returns it is in the bucket, and so is the ground truth. Raises LabelRefused when somebody else was asked
    at this place and answered first, AwsRequestError.
    """
    return _write(environment, queue, item, opinion, others, None)


def change(
    environment: Environment, queue: Queue, item: Item, kept: Kept, opinion: Opinion, others: Sequence[Kept]
) -> Kept:
    """Keep an opinion in the place of the same person's earlier one, `kept`; as `give`."""
    return _write(environment, queue, item, opinion, others, kept.etag)


def _write(
    environment: Environment, queue: Queue, item: Item, opinion: Opinion, others: Sequence[Kept], etag: str | None
) -> Kept:
    key = QueueKeys(queue.queue_id).opinion(opinion.item, opinion.slot)
    said = msgspec.json.encode(opinion)
    written = replace_object(environment, key, said, etag, action=f"keep the label of picture {item.number}")
    if written is None:
        raise LabelRefused(
            f"Picture {item.number} was labelled by somebody else, or in another window, a moment before. Go on with "
            "the next one."
        )
    kept = Kept(opinion, written)
    _write_truth(environment, queue, sorted([*others, kept], key=lambda one: one.opinion.slot))
    return kept


def mend_truth(environment: Environment, queue: Queue, by_item: ByItem) -> int:
    """Write what a crash left unwritten of the ground truth; returns of how many items."""
    truths = {truth.key: kept for kept in by_item.values() if (truth := _truth(queue, kept)) is not None}
    hours = {key.rpartition("/")[0] for key in truths}
    with aws_errors("list the ground truth of a review queue"):
        names = [f"{hour}/{TRUTH_BEGINS}{queue.queue_id}-" for hour in hours]
        there = {item["Key"] for name in names for item in list_objects(environment, name)}
    doubtful = [kept for key, kept in truths.items() if key not in there or _has_changed(kept)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return sum(pool.map(lambda kept: _mend(environment, queue, kept), doubtful))


def _has_changed(kept: Sequence[Kept]) -> bool:
    """Whether the ground truth of an item was ever something else than now; what was said once is always the same."""
    return len(kept) > 1 or kept[0].opinion.changed_at is not None


def _mend(environment: Environment, queue: Queue, kept: Sequence[Kept]) -> bool:
    truth = _truth(queue, kept)
    if truth is None or read_object(environment, truth.key) == truth.content:
        return False
    _write_truth(environment, queue, kept)
    return True


def _write_truth(environment: Environment, queue: Queue, kept: Sequence[Kept]) -> None:
    """Have the ground truth of an item say what follows from all its opinions.

    Where one of them was changed meanwhile it is written again: whoever is last sees all of them.
    """
    while (truth := _truth(queue, kept)) is not None:
        truth.write(environment)
        prefix = QueueKeys(queue.queue_id).opinions_of(kept[0].opinion.item)
        with aws_errors("list the labels of a picture"):
            there = {item["Key"]: item["ETag"] for item in list_objects(environment, prefix)}
        if set(there.values()) == {one.etag for one in kept}:
            return
        kept = [found for key in sorted(there) if (found := _read(environment, key)) is not None]


@dataclass(frozen=True)
class _Truth:
    """The ground truth of an item: the hour is that of its first opinion, whenever that is changed."""

    name: str
    known_at: datetime
    labels: dict[str, str]

    @property
    def key(self) -> str:
        return ground_truth.key_of(self.name, self.known_at)

    @property
    def content(self) -> bytes | None:
        return ground_truth.lines_of(self.labels) if self.labels else None

    def write(self, environment: Environment) -> None:
        if self.labels:
            ground_truth.write_labels(environment, self.name, self.known_at, self.labels)
        else:
            ground_truth.delete_labels(environment, self.name, self.known_at)


def _truth(queue: Queue, kept: Sequence[Kept]) -> _Truth | None:
    """What follows from an item's opinions; None where its record has no id that SageMaker could join it by."""
    first = kept[0].opinion
    if first.event_id is None:
        return None
    label = known_label([one.opinion for one in kept])
    name = f"{TRUTH_BEGINS}{queue.queue_id}-{first.item:05d}"
    return _Truth(name, first.labelled_at, {first.event_id: label} if label is not None else {})


def standing(opinions: Sequence[Opinion]) -> list[Opinion]:
    """Those that were not taken back."""
    return [opinion for opinion in opinions if opinion.label is not None]


def known_label(opinions: Sequence[Opinion]) -> str | None:
    """What an item is by what was said of it: what all say, or what a third person decided; None where two differ."""
    labels = [opinion.label for opinion in standing(opinions)]
    if len(labels) == _MOST_OPINIONS:
        return labels[-1]
    return labels[0] if len(set(labels)) == 1 else None


def is_open(opinions: Sequence[Opinion], wanted: int) -> bool:
    """Whether somebody is still to be asked: `wanted` people are, and a third one where two differ."""
    labels = [opinion.label for opinion in standing(opinions)]
    return len(labels) < wanted or (len(labels) < _MOST_OPINIONS and len(set(labels)) > 1)


def _read(environment: Environment, key: str) -> Kept | None:
    found = read_version(environment, key)
    try:
        return Kept(msgspec.json.decode(found[0], type=Opinion), found[1]) if found is not None else None
    except msgspec.MsgspecError:
        return None
