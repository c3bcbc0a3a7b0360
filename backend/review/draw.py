"""Choosing the records of a queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from backend import deployment, monitoring
from backend.accuracy import Sample, draw_sample
from backend.aws.environment import Environment
from backend.aws.names import stamp
from backend.errors import ReviewNotPossible
from backend.monitoring import CaptureSource, Selection
from backend.review.queue import DrawnStratum, Item, Kind, Queue, write_queue
from backend.staging.labels import OTHER

MOST_ITEMS: Final = 1000
MOST_SAMPLED: Final = 300_000
"""Records of a window, at most, of which all confidences are looked at."""
_KEPT: Final = (
    "key",
    "etag",
    "offset",
    "length",
    "position",
    "time",
    "endpoint",
    "variant",
    "class_index",
    "confidence",
    "inference_id",
    "image_key",
)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)

Answering = dict[tuple[str, str], tuple[str, datetime]]
"""By endpoint and variant, the training job whose model answers, and since when at the latest it does."""


@dataclass(frozen=True)
class Wish:
    """What a queue is to be: `limit` records of a selection at most, chosen as the kind says.

    `threshold` is the workflow's, below which records are rejected; without one only answers of `other` are.
    """

    kind: Kind
    selection: Selection
    limit: int
    opinions: int = 1
    threshold: float | None = None
    seed: int = 0


def make_queue(
    environment: Environment, source: CaptureSource, wish: Wish, labels: Sequence[str], made_by: str
) -> Queue:
    """Draw a queue from what was read of a source, and keep it.

    `labels` are the source's classes in the order of the probabilities. Raises ReviewNotPossible where there is nothing
    to label, or nothing is known of the classes; AwsRequestError, CaptureUnavailable.
    """
    if len(labels) < 2:
        raise ReviewNotPossible("The classes of these records have no names. Name them on the Monitoring page first.")
    frame, drawn = _choose(environment, source, wish, labels)
    if frame.empty:
        raise ReviewNotPossible("There is no such record in this range. Choose a longer one, or another kind.")
    rows = monitoring.located(environment, source, frame["record_id"].tolist())
    queue = Queue(
        queue_id=stamp(),
        kind=wish.kind,
        made_at=datetime.now(UTC),
        made_by=made_by,
        source=source.url,
        start=wish.selection.start,
        end=wish.selection.end,
        labels=tuple(labels),
        items=tuple(_items(rows, drawn, _answering(environment, source))),
        opinions=wish.opinions,
        strata=tuple(DrawnStratum(part.size, part.expected) for part in drawn.strata) if drawn else (),
    )
    write_queue(environment, queue)
    return queue


def _choose(
    environment: Environment, source: CaptureSource, wish: Wish, labels: Sequence[str]
) -> tuple[pd.DataFrame, Sample | None]:
    """The records in the order in which they are to be labelled, and how a stratified sample of them was drawn."""
    selection, limit = wish.selection, min(wish.limit, MOST_ITEMS)
    match wish.kind:
        case Kind.REJECTED:
            other = labels.index(OTHER) if OTHER in labels else None
            threshold = wish.threshold or 0.0
            return monitoring.rejected(environment, source, selection, limit, threshold, other), None
        case Kind.UNCERTAIN:
            return _least_sure(environment, source, selection, limit), None
        case Kind.DRIFT:
            return _shuffled(monitoring.sample(environment, source, selection, limit, wish.seed), wish.seed), None
        case Kind.SAMPLE:
            return _sample(environment, source, wish, limit)


def _least_sure(environment: Environment, source: CaptureSource, selection: Selection, limit: int) -> pd.DataFrame:
    """Of very many records only as many as the cache keeps apart for that."""
    window = monitoring.records(environment, source, selection, MOST_SAMPLED)
    if window is None:
        return monitoring.lowest(environment, source, selection, limit)
    return window.sort_values(["confidence", "record_id"]).head(limit)


def _sample(
    environment: Environment, source: CaptureSource, wish: Wish, limit: int
) -> tuple[pd.DataFrame, Sample | None]:
    window = monitoring.records(environment, source, wish.selection, MOST_SAMPLED)
    if window is None:
        raise ReviewNotPossible(f"There are more than {MOST_SAMPLED:,} records in this range. Choose a shorter one.")
    if window.empty:
        return window, None
    drawn = draw_sample(window["confidence"].to_numpy(), limit, np.random.default_rng(wish.seed))
    return window.iloc[list(drawn.order)], drawn


def _shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """By lot: whoever stops early has still seen all of the time."""
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))]


def _items(rows: Sequence[dict[str, Any]], drawn: Sample | None, answering: Answering) -> Iterator[Item]:
    strata = _strata_in_order(drawn) if drawn else [None] * len(rows)
    for number, (row, stratum) in enumerate(zip(rows, strata, strict=True), start=1):
        job, since = answering.get((row["endpoint"], row["variant"]), (None, _NEVER))
        yield Item(
            number=number,
            weight=_weight(drawn, stratum),
            stratum=stratum,
            job=job if row["time"] >= since else None,
            **{name: row[name] for name in _KEPT},
        )


def _weight(drawn: Sample | None, stratum: int | None) -> float | None:
    if drawn is None or stratum is None:
        return None
    return drawn.strata[stratum].size / len(drawn.strata[stratum].places)


def _strata_in_order(drawn: Sample) -> list[int]:
    """The stratum of each drawn record, in the order in which they are labelled."""
    of_place = {place: number for number, stratum in enumerate(drawn.strata) for place in stratum.places}
    return [of_place[place] for place in drawn.order]


def _answering(environment: Environment, source: CaptureSource) -> Answering:
    endpoint = None
    if source.url == monitoring.project_source(environment).url:
        endpoint = deployment.describe_endpoint(environment)
    if endpoint is None or not endpoint.in_service:
        return {}
    return {
        (endpoint.name, variant.name): (variant.origin.training_job, endpoint.modified_at)
        for variant in endpoint.variants
        if variant.origin.training_job is not None
    }
