"""The answers of a window, and what their pictures really were where that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.labels import labels_by_key
from backend.monitoring.sources import cache_path
from backend.monitoring.store import store_at
from backend.review.opinions import TRUTH_BEGINS
from backend.staging.labels import OTHER

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MOST_RECORDS: Final = 300_000
"""Of a window: each of them is looked at."""
UNKNOWN: Final = -1
NO_CLASS: Final = -2
_NUMBERS: Final = ("record_id", "class_index", "confidence", "content")


@dataclass(frozen=True)
class Window:
    """The records of a selection in the order of time, n of them: arrays of that length.

    `labels` are the model's classes. `probabilities` has shape (n, number of labels), None where answers have not that
    many. `truth` is what a picture is: a class index, `NO_CLASS` where it is none of them, `UNKNOWN` where nobody said.
    `is_chosen` are those of which only a reviewer said it: of pictures that were chosen to be looked at. `content` is
    the same number for the same request, 0 where that was not captured. `streams` are the endpoints and variants that
    answered.
    """

    selection: Selection
    labels: tuple[str, ...]
    record_id: NDArray[np.int64]
    class_index: NDArray[np.int64]
    confidence: NDArray[np.float64]
    content: NDArray[np.uint64]
    probabilities: NDArray[np.float64] | None
    truth: NDArray[np.int64]
    is_chosen: NDArray[np.bool_]
    streams: tuple[tuple[str, str], ...]
    first_at: datetime | None

    def __len__(self) -> int:
        return len(self.record_id)

    @property
    def other(self) -> int | None:
        """The index of the class `other`, None where the model has no such class."""
        return self.labels.index(OTHER) if OTHER in self.labels else None

    @cached_property
    def is_known(self) -> NDArray[np.bool_]:
        """Of which records it is known what they are, however it came to be known."""
        return np.asarray(self.truth != UNKNOWN, np.bool_)

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """Whose answer is known to be right."""
        return np.asarray(self.truth == self.class_index, np.bool_)


def read_window(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    labels: Sequence[str],
    truth: GroundTruth | None,
) -> Window | None:
    """The window as it was read until now; None where it has more than `MOST_RECORDS`.

    What a picture is, is told by ground truth, or else by the dataset that its key is in; of no picture for None.
    Raises AwsRequestError, CaptureUnavailable.
    """
    with store_at(cache_path(environment, source)).reading() as cursor:
        rows = _rows(cursor, selection)
        if len(rows) > MOST_RECORDS:
            return None
        streams = _streams(cursor, selection)
    numbers = {name: rows[name].to_numpy() for name in _NUMBERS}
    known, is_chosen = np.full(len(rows), UNKNOWN, np.int64), np.zeros(len(rows), np.bool_)
    if truth is not None:
        known, is_chosen = _truth(environment, rows, labels, truth)
    times = rows["time"].to_pylist()[:1]
    return Window(
        selection=selection,
        labels=tuple(labels),
        record_id=numbers["record_id"].astype(np.int64),
        class_index=numbers["class_index"].astype(np.int64),
        confidence=numbers["confidence"].astype(np.float64),
        content=numbers["content"].astype(np.uint64),
        probabilities=_probabilities(rows, len(labels)),
        truth=known,
        is_chosen=is_chosen,
        streams=streams,
        first_at=times[0].replace(tzinfo=UTC) if times else None,
    )


def _rows(cursor: DuckDBPyConnection, selection: Selection) -> pa.Table:
    condition, values = selection.condition()
    return cursor.sql(
        f"""SELECT record_id, time, class_index, confidence, coalesce(content, 0) AS content, inference_id, image_key,
        probabilities FROM records WHERE {condition} ORDER BY time, record_id LIMIT {MOST_RECORDS + 1}""",  # noqa: S608
        params=values,
    ).to_arrow_table()


def _streams(cursor: DuckDBPyConnection, selection: Selection) -> tuple[tuple[str, str], ...]:
    condition, values = selection.condition()
    found: list[tuple[Any, ...]] = cursor.execute(
        f"""SELECT endpoint, variant FROM streams WHERE stream_id IN
        (SELECT DISTINCT stream_id FROM records WHERE {condition}) ORDER BY ALL""",  # noqa: S608
        values,
    ).fetchall()
    return tuple((endpoint, variant) for endpoint, variant in found)


def _probabilities(rows: pa.Table, classes: int) -> NDArray[np.float64] | None:
    column = rows["probabilities"].combine_chunks()
    lengths = pc.list_value_length(column)
    if not len(rows) or lengths.null_count or set(pc.unique(lengths).to_pylist()) != {classes}:
        return None
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float64).reshape(len(rows), classes)


def _truth(
    environment: Environment, rows: pa.Table, labels: Sequence[str], truth: GroundTruth
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What each record is, and of which that is known from a reviewer alone."""
    elsewhere, said = truth.from_elsewhere(environment, (TRUTH_BEGINS,)), truth.from_elsewhere(environment, ())
    by_key = labels_by_key(environment)
    index = {label: number for number, label in enumerate(labels)}
    found = np.full(len(rows), UNKNOWN, np.int64)
    is_chosen = np.zeros(len(rows), np.bool_)
    pairs = zip(rows["inference_id"].to_pylist(), rows["image_key"].to_pylist(), strict=True)
    for place, (inference, key) in enumerate(pairs):
        label = _of(elsewhere, inference) or _of(by_key, key)
        if label is None:
            label = _of(said, inference)
            is_chosen[place] = label is not None
        if label is not None:
            found[place] = index.get(label, NO_CLASS)
    return found, is_chosen


def _of(labels: Mapping[str, str], name: str | None) -> str | None:
    return None if name is None else labels.get(name)
