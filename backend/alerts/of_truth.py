"""Figures that need to know what the pictures really are.

The drift alarm of a feature, and accuracy as it is estimated without labels, register here once the store keeps what
they need:

    register(Figure("drift", "Drift", Unit.YES_OR_NO, drift, Takes.FEATURE, is_bad_when_low=False))
    register(Figure("estimated_accuracy", "Estimated accuracy", Unit.SHARE, estimated_accuracy))

where `drift(question, windows)` says of each window 1 where the alarm of the feature `question.label` is on at its
end, 0 where it is not and None where there is no baseline, and `estimated_accuracy(question, windows)` gives the value
and the number of its records, None where it is withheld.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from backend.alerts.counting import labelled_records
from backend.alerts.figures import Figure, Question, Reading, Unit, Windows, register
from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth
from backend.monitoring.labels import labels_by_key
from backend.review.opinions import TRUTH_BEGINS

_MOST: Final = 100_000
"""Records whose labels are looked up at once; of more the newest."""
_read: dict[str, GroundTruth] = {}
_reading: Final = threading.Lock()


def realised_accuracy(question: Question, windows: Windows) -> Sequence[Reading | None]:
    """The share of right answers among the records whose label is known otherwise than by review.

    Known are the images of the dataset and of the generator, whatever was answered. What people labelled was chosen to
    be labelled, often for being unsure, and says nothing of the rest. An image of no known class is right as `other`.
    """
    records = labelled_records(question, windows, _MOST)
    if not records or not question.labels:
        return [None] * windows.count
    by_key, by_inference = _labels(question.environment)
    known, right = np.zeros(windows.count, np.int64), np.zeros(windows.count, np.int64)
    for at, index, inference, key in records:
        label = by_inference.get(inference or "") or by_key.get(key or "")
        if label is not None and index < len(question.labels):
            known[at] += 1
            right[at] += question.labels[index] == label
    pairs = zip(known.tolist(), right.tolist(), strict=True)
    return [Reading(correct / number, number) if number else None for number, correct in pairs]


def _labels(environment: Environment) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What images are, by key and by inference id; files of labels that were read once are not read again."""
    with _reading:
        truth = _read.setdefault(environment.bucket, GroundTruth())
    return labels_by_key(environment), truth.from_elsewhere(environment, (TRUTH_BEGINS,))


register(Figure("realised_accuracy", "Realised accuracy", Unit.SHARE, realised_accuracy, feature="predicted_class"))
