"""Windows, and samples of them, that are made and not captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike

from backend.monitoring import Selection
from backend.quality import Window
from backend.review import Item, Kind, Progress, Queue
from backend.review.opinions import Kept, Opinion
from backend.review.queue import DrawnStratum

BEGIN = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
HOUR = Selection(BEGIN, BEGIN + timedelta(hours=1))
LABELS = ("bicycle", "motorcycle", "other")
STREAM = ("scones", "AllTraffic")


def window(class_index: ArrayLike, truth: ArrayLike, **changes: object) -> Window:
    """A window of these answers; by itself each record has confidence 0.9 and nobody was asked about it."""
    records = len(np.asarray(class_index))
    found = Window(
        selection=HOUR,
        labels=LABELS,
        record_id=np.arange(1, records + 1),
        class_index=np.asarray(class_index, np.int64),
        confidence=np.full(records, 0.9),
        content=np.arange(1, records + 1, dtype=np.uint64),
        probabilities=None,
        truth=np.asarray(truth, np.int64),
        is_chosen=np.zeros(records, np.bool_),
        streams=(STREAM,),
        first_at=BEGIN,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def sample(
    sizes: Sequence[int], answers: Sequence[tuple[int, int]], labels: Mapping[int, str], **changes: object
) -> Progress:
    """A sample with strata of these sizes: stratum and answered class of each picture, and the labels by its number."""
    items = tuple(
        Item(
            number=number,
            key="file",
            etag="tag",
            offset=0,
            length=1,
            position=0,
            time=BEGIN,
            endpoint=STREAM[0],
            variant=STREAM[1],
            class_index=answered,
            confidence=0.9,
            stratum=stratum,
            weight=1.0,
        )
        for number, (stratum, answered) in enumerate(answers, start=1)
    )
    strata = tuple(DrawnStratum(size, 0.8) for size in sizes)
    queue = Queue(
        "20260102", Kind.SAMPLE, BEGIN, "Ada", "s3://somewhere", HOUR.start, HOUR.end, LABELS, items, strata=strata
    )
    said = {number: (Kept(_opinion(number, label), "tag"),) for number, label in labels.items()}
    return Progress(replace(queue, **changes), said)  # type: ignore[arg-type]


def _opinion(number: int, label: str) -> Opinion:
    return Opinion(number, 1, "Ada", label, label, BEGIN, None, Kind.SAMPLE, 1.0, "s3://somewhere", None, None, None)
