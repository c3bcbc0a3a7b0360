"""Batches in the bucket: what was to be sent, and what became of it. No memory of this app is needed for either.

Below `batches/<id>/`: `manifest.json` is written before the first image is sent and never changed; `results.jsonl` has
a line for each image that came to an end, `summary.json` their counts. An execution's name follows from the batch, the
image's position and the attempt, so Step Functions itself tells what was sent, and starts nothing twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

import msgspec

from backend.aws.bucket import bucket_errors, list_folders, read_object, write_object
from backend.aws.environment import Environment
from backend.aws.names import BATCHES_PREFIX, stamp
from backend.errors import NotFound
from backend.workflow.batch import NOT_FOLLOWED, NOT_STARTED
from backend.workflow.executions import NAME_LENGTH
from backend.workflow.outcome import Execution, Outcome

_ID: Final = re.compile(r"\d{8}-\d{6}-\d{6}")
_POSITION_DIGITS: Final = 5
_LONGEST_CAUSE: Final = 500
_THREADS: Final = 16
_UNSETTLED: Final = frozenset({NOT_STARTED, NOT_FOLLOWED})
FAILURES: Final = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.STOPPED})


class BatchState(StrEnum):
    """How far a batch is, as whoever sent it wrote last; one that says it runs may have been killed."""

    RUNNING = "running"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True)
class Batch:
    """What is to be sent: keys of images in the project's bucket, in order; `title` says to a person which they are."""

    batch_id: str
    title: str
    created_at: datetime
    keys: tuple[str, ...]

    def execution_name(self, position: int, attempt: int = 1) -> str:
        """The name of the execution that takes this image: of at most 64 ASCII characters, and so the inference id."""
        tail = f"-{self.batch_id}-{position:0{_POSITION_DIGITS}d}" + (f"-{attempt}" if attempt > 1 else "")
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(self.keys[position]).stem)
        return f"{stem[: NAME_LENGTH - len(tail)]}{tail}".lstrip("-")

    def attempt_of(self, name: str) -> tuple[int, int] | None:
        """The position and the attempt that an execution's name tells; None for one that is not of this batch."""
        found = re.search(rf"(?:^|-){self.batch_id}-(\d+)(?:-(\d+))?$", name)
        if found is None or int(found[1]) >= len(self.keys):
            return None
        return int(found[1]), int(found[2] or 1)


@dataclass(frozen=True)
class Result:
    """What became of an image of a batch; `cause` is cut to 500 characters."""

    position: int
    key: str | None
    execution: str
    outcome: Outcome
    started_at: datetime
    stopped_at: datetime | None
    predicted_label: str | None = None
    confidence: float | None = None
    threshold: float | None = None
    error: str | None = None
    cause: str | None = None

    @classmethod
    def of(cls, position: int, execution: Execution, key: str | None) -> Result:
        verdict = execution.verdict
        return cls(
            position=position,
            key=key,
            execution=execution.name,
            outcome=execution.outcome,
            started_at=execution.started_at,
            stopped_at=execution.stopped_at,
            predicted_label=verdict.predicted_label if verdict else None,
            confidence=verdict.confidence if verdict else None,
            threshold=verdict.threshold if verdict else None,
            error=execution.error,
            cause=None if execution.outcome not in FAILURES else (execution.cause or "")[:_LONGEST_CAUSE] or None,
        )

    @property
    def is_settled(self) -> bool:
        """Whether its execution is known to have ended: one that could not be started or followed may yet have."""
        return self.error not in _UNSETTLED

    @property
    def has_failed(self) -> bool:
        return self.outcome in FAILURES


@dataclass(frozen=True)
class BatchSummary:
    """A batch in the list: how many images it has, and how many of them ended how; `updated_at` is when that was so."""

    batch_id: str
    title: str
    created_at: datetime
    images: int
    state: BatchState = BatchState.RUNNING
    counts: dict[str, int] = field(default_factory=dict)
    updated_at: datetime | None = None

    @property
    def remaining(self) -> int:
        """Images of which no end is known."""
        return self.images - sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Images that may be sent again."""
        return sum(self.counts.get(outcome, 0) for outcome in FAILURES)


@dataclass(frozen=True)
class BatchList:
    """Batches, newest first: some of them, of `total`."""

    total: int
    batches: tuple[BatchSummary, ...]


def new_batch(environment: Environment, title: str, keys: Sequence[str]) -> Batch:
    """Write down what is to be sent, before any of it is."""
    batch = Batch(stamp(), title, datetime.now(UTC), tuple(keys))
    _write(environment, batch.batch_id, "manifest.json", msgspec.json.encode(batch))
    write_summary(environment, batch, [], BatchState.RUNNING)
    return batch


def read_batch(environment: Environment, batch_id: str) -> Batch:
    """What was to be sent; raises NotFound when that is gone or cannot be read."""
    content = read_object(environment, _key(batch_id, "manifest.json")) if _ID.fullmatch(batch_id) else None
    try:
        return msgspec.json.decode(content or b"", type=Batch)
    except msgspec.MsgspecError as error:
        raise NotFound("There is no such batch, or its manifest is damaged. Choose one from the list.") from error


def read_results(environment: Environment, batch_id: str) -> dict[int, Result]:
    """What is known to have become of a batch's images, by position; what cannot be read is asked for anew."""
    content = read_object(environment, _key(batch_id, "results.jsonl"))
    try:
        results = msgspec.json.Decoder(Result).decode_lines(content or b"")
    except msgspec.MsgspecError:
        return {}
    return {result.position: result for result in results}


def write_results(environment: Environment, batch: Batch, results: Collection[Result], state: BatchState) -> None:
    """Keep what became of the images so far: each call replaces what was written before."""
    lines = msgspec.json.Encoder().encode_lines(sorted(results, key=lambda result: result.position))
    _write(environment, batch.batch_id, "results.jsonl", lines)
    write_summary(environment, batch, results, state)


def write_summary(environment: Environment, batch: Batch, results: Iterable[Result], state: BatchState) -> None:
    """Keep the counts alone: the list of batches reads nothing else."""
    _write(environment, batch.batch_id, "summary.json", msgspec.json.encode(summarized(batch, results, state)))


def summarized(batch: Batch, results: Iterable[Result], state: BatchState) -> BatchSummary:
    counts = Counter(str(result.outcome) for result in results if result.is_settled)
    return BatchSummary(
        batch.batch_id, batch.title, batch.created_at, len(batch.keys), state, dict(counts), datetime.now(UTC)
    )


def list_batches(environment: Environment, page: int = 1, size: int = 10) -> BatchList:
    """A page of the batches, newest first; none where there is no bucket."""
    try:
        with bucket_errors(environment, "list the batches"):
            folders = list(list_folders(environment, BATCHES_PREFIX))
    except NotFound:
        return BatchList(0, ())
    names = (folder.removeprefix(BATCHES_PREFIX).rstrip("/") for folder in folders)
    ids = sorted(filter(_ID.fullmatch, names), reverse=True)
    with ThreadPoolExecutor(_THREADS) as pool:
        shown = pool.map(lambda batch_id: describe_batch(environment, batch_id), ids[(page - 1) * size : page * size])
    return BatchList(len(ids), tuple(batch for batch in shown if batch is not None))


def describe_batch(environment: Environment, batch_id: str) -> BatchSummary | None:
    """A batch's counts; of one whose counts were not written, by its manifest. None when that is gone."""
    content = read_object(environment, _key(batch_id, "summary.json"))
    try:
        return msgspec.json.decode(content or b"", type=BatchSummary)
    except msgspec.MsgspecError:
        pass
    try:
        batch = read_batch(environment, batch_id)
    except NotFound:
        return None
    return summarized(batch, read_results(environment, batch_id).values(), BatchState.RUNNING)


def _key(batch_id: str, name: str) -> str:
    return f"{BATCHES_PREFIX}{batch_id}/{name}"


def _write(environment: Environment, batch_id: str, name: str, content: bytes) -> None:
    action = f"keep what is known of batch {batch_id}"
    write_object(environment, _key(batch_id, name), content, "application/json", action=action)
