"""What was sent: a line of JSON an image, in the bucket before it is sent, so that no crash can lose its label."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from backend import ground_truth
from backend.aws.bucket import list_objects, read_object, write_object
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.errors import TrafficNotPossible
from backend.traffic.drift import Drift
from backend.traffic.plan import RunKeys

LATE_SECONDS: Final = 1.0
"""An image that is started later than this behind its arrival is late."""
_PART_SECONDS: Final = 30.0
_THREADS: Final = 8


class Status(StrEnum):
    """Whether an image's execution was started; `planned` is left where the app ended at that moment."""

    PLANNED = "planned"
    STARTED = "started"
    NOT_STARTED = "not started"


class Sent(msgspec.Struct, frozen=True):
    """An image of a run: when it was to come, in seconds from the run's start, what it is, and what became of it.

    `key` is what was sent, `staged_key` the image it was made of, `label` what that is. `late` is by how many seconds
    it was started behind `due`; `outcome` how its execution ended, where that was asked for; `reason` why it did not
    start, or could not be asked for.
    """

    number: int
    inference_id: str
    due: float
    key: str
    staged_key: str
    label: str
    drift: Drift
    status: Status = Status.PLANNED
    late: float | None = None
    outcome: str | None = None
    is_right: bool | None = None
    reason: str | None = None

    @property
    def is_late(self) -> bool:
        return self.status is Status.STARTED and (self.late or 0) > LATE_SECONDS


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Sent)


class Journal:
    """What a run has sent so far, in memory and in the bucket; safe to use from any thread.

    A part of the bucket has the images of half a minute. It is written anew with what became of them; the labels
    stand beside it as ground truth.
    """

    def __init__(self, environment: Environment, keys: RunKeys, started_at: datetime) -> None:
        self._environment, self._keys, self._started_at = environment, keys, started_at
        self._lock = threading.Lock()
        self._rows: dict[int, Sent] = {}
        self._parts: dict[int, list[int]] = defaultdict(list)
        self._changed: set[int] = set()
        self._unlabeled: set[int] = set()

    @property
    def rows(self) -> list[Sent]:
        """In the order of their numbers."""
        with self._lock:
            return list(self._rows.values())

    def plan(self, rows: Sequence[Sent]) -> None:
        """Take in images that are to be sent; they may be once this returns.

        Raises AwsRequestError where the bucket does not take it.
        """
        with self._lock:
            for row in rows:
                part = _part_of(row)
                self._rows[row.number] = row
                self._parts[part].append(row.number)
                self._changed.add(part)
                self._unlabeled.add(part)
        self.write()

    def note(self, number: int, **changes: Any) -> None:
        """What became of an image."""
        with self._lock:
            self._rows[number] = msgspec.structs.replace(self._rows[number], **changes)
            self._changed.add(_part_of(self._rows[number]))

    def write(self) -> None:
        """Write the parts that changed since they were written; the labels first."""
        with self._lock:
            changed, unlabeled = sorted(self._changed), self._unlabeled
            self._changed, self._unlabeled = set(), set()
            rows = {part: [self._rows[number] for number in self._parts[part]] for part in changed}
        try:
            for part in changed:
                if part in unlabeled:
                    self._write_labels(part, rows[part])
                self._write_part(part, rows[part])
        except BaseException:
            with self._lock:
                self._changed.update(changed)
                self._unlabeled.update(unlabeled)
            raise

    def _write_labels(self, part: int, rows: Sequence[Sent]) -> None:
        known_at = self._started_at + timedelta(seconds=part * _PART_SECONDS)
        labels = {row.inference_id: row.label for row in rows}
        ground_truth.write_labels(self._environment, f"traffic-{self._keys.run_id}-{part:05d}", known_at, labels)

    def _write_part(self, part: int, rows: Sequence[Sent]) -> None:
        content = _encoder.encode_lines(rows)
        action = "write down what is sent"
        write_object(self._environment, self._keys.part(part), content, "application/jsonlines", action=action)


def read_sent(environment: Environment, keys: RunKeys) -> list[Sent]:
    """What a run has sent, in order; lines that cannot be read are left out.

    An outcome that was not asked for is None, as is that of an image that is still `planned`.
    """
    with aws_errors(f"list what run {keys.run_id} sent"):
        parts = [item["Key"] for item in find(list, list_objects(environment, keys.parts)) or []]
    with ThreadPoolExecutor(_THREADS) as pool:
        contents = pool.map(lambda key: read_object(environment, key) or b"", parts)
        return [row for content in contents for line in content.splitlines() if (row := _row(line)) is not None]


def _part_of(row: Sent) -> int:
    return int(row.due // _PART_SECONDS)


def _row(line: bytes) -> Sent | None:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, TrafficNotPossible):  # the second says that its drift is none
        return None
