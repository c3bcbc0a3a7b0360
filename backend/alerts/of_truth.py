"""Figures that need to know what the pictures really are: how often the model is right by their labels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from backend.alerts.counting import each_record
from backend.alerts.figures import Figure, Question, Reading, Unit, Windows
from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth
from backend.monitoring.labels import labels_by_key
from backend.quality.figures import MOST_UNKNOWN
from backend.review.opinions import TRUTH_BEGINS

_MOST: Final = 200_000
"""Records whose labels are looked up at once; windows that are older than the newest so many have no reading."""
_read: dict[str, GroundTruth] = {}
_reading: Final = threading.Lock()
LabelOf = Callable[[str | None, str | None], str | None]


def realised_accuracy(question: Question, windows: Windows) -> Sequence[Reading | None]:
    """The share of right answers, where what the pictures are is known of four in five of the records, or more.

    Those that are not known count as half right, as the Accuracy page has it: fewer labels are no window's accuracy.
    """
    records = each_record(question, windows, _MOST + 1)
    if not records or not question.labels:
        return [None] * windows.count
    oldest = records[-1][0] + 1 if len(records) > _MOST else 0
    label_of = _labels(question.environment)
    number, known, right = np.zeros((3, windows.count), np.int64)
    for at, index, inference, key in records:
        label = label_of(inference, key)
        number[at] += 1
        known[at] += label is not None
        right[at] += label is not None and question.labels[index : index + 1] == (label,)
    return [
        _reading_of(*map(int, counts)) if at >= oldest else None
        for at, counts in enumerate(zip(number, known, right, strict=True))
    ]


def _reading_of(records: int, known: int, right: int) -> Reading | None:
    if not records or records - known > MOST_UNKNOWN * records:
        return None
    return Reading((right + (records - known) / 2) / records, records)


def _labels(environment: Environment) -> LabelOf:
    """What the image of an inference id and a key is; files of labels that were read once are not read again."""
    with _reading:
        truth = _read.setdefault(environment.bucket, GroundTruth())
    elsewhere, said = truth.from_elsewhere(environment, (TRUTH_BEGINS,)), truth.from_elsewhere(environment, ())
    by_key = labels_by_key(environment)

    def label_of(inference: str | None, key: str | None) -> str | None:
        """A reviewer's word comes last."""
        return elsewhere.get(inference or "") or by_key.get(key or "") or said.get(inference or "")

    return label_of


OF_TRUTH: Final = Figure(
    "realised_accuracy",
    "Realised accuracy",
    Unit.SHARE,
    realised_accuracy,
    feature="predicted_class",
    first=0.8,
)
