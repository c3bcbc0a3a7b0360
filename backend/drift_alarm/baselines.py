"""What is usual: made of an evaluation's known images, or of a window of captured records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend import staging
from backend.aws.environment import Environment
from backend.drift import Baseline, Feature, Records, StoredBaseline
from backend.drift.baseline import SMALLEST
from backend.drift.features import values
from backend.errors import BaselineTooSmall
from backend.evaluation import Evaluation
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.detectable import key_of
from backend.monitoring.drifting import selected_records
from backend.monitoring.pictures import Picture, measure
from backend.monitoring.watched import Usual
from backend.progress import Progress, no_progress, side_by_side
from backend.wording import count_of

MOST_RECORDS: Final = 20_000
"""Of a window, the newest: more say nothing more of what is usual."""
_QUANTILES: Final = 300
_THREADS: Final = 16


def usual_of_evaluation(environment: Environment, evaluation: Evaluation, progress: Progress = no_progress) -> Usual:
    """That of the test images of known classes, each of which is read from the bucket and measured.

    Raises BaselineTooSmall, ImageMissing and AwsRequestError.
    """
    answers = evaluation.known
    keys = [image.key for image in answers.images if image.key is not None]
    if len(keys) < SMALLEST:
        raise BaselineTooSmall(
            f"The evaluation of {evaluation.job} has {count_of(len(keys), 'test image')} of known classes, and a "
            f"baseline needs {SMALLEST} or more. Choose a window of captured records, or stage more images."
        )
    measured = np.array(
        [
            [np.nan if value is None else value for value in (of.brightness, of.contrast, of.sharpness)]
            for of in _measured(environment, keys, progress)
        ]
    )
    known = np.array([image.key is not None for image in answers.images])
    other = evaluation.other_index
    records = Records(
        time=np.zeros(len(keys), np.int64),
        key=np.array([key_of(key) for key in keys], np.uint64),
        confidence=answers.confidence[known],
        class_index=answers.predicted[known],
        brightness=_as_captured(measured[:, 0]),
        contrast=_as_captured(measured[:, 1]),
        sharpness=_as_captured(measured[:, 2]),
        other=None if other is None else _as_captured(answers.probabilities[known, other]),
        content=np.zeros(len(keys), np.uint64),
    )
    return _usual(records, len(evaluation.labels), Usual(_EMPTY, {}, [], job=evaluation.job))


def usual_of_window(
    environment: Environment, source: CaptureSource, selection: Selection, other: int | None, classes: int
) -> Usual:
    """That of captured records, at most the newest 20,000 of a selection; raises BaselineTooSmall."""
    records = selected_records(environment, source, selection, other, MOST_RECORDS)
    if len(records) < SMALLEST:
        raise BaselineTooSmall(
            f"There are {count_of(len(records), 'record')} in this window, and a baseline needs {SMALLEST} or more: "
            f"{SMALLEST - len(records)} are missing. Choose a longer window."
        )
    classes = max(classes, int(records.class_index.max()) + 1, 2)
    return _usual(records, classes, Usual(_EMPTY, {}, [], start=selection.start, end=selection.end))


_EMPTY: Final = StoredBaseline([], [], [], 0)


def _usual(records: Records, classes: int, origin: Usual) -> Usual:
    baseline = Baseline.of(records, classes)
    drawn = [column for column in baseline.columns if column.feature is not Feature.CLASS]
    found = values(records, drawn)
    return Usual(
        StoredBaseline.of(baseline),
        {column.feature: _quantiles(found[:, place]) for place, column in enumerate(drawn)},
        np.bincount(records.class_index, minlength=classes).tolist(),
        job=origin.job,
        start=origin.start,
        end=origin.end,
    )


def _quantiles(found: NDArray[np.float64]) -> list[float]:
    """Values evenly spaced in rank, all of them where they are few."""
    ordered = np.sort(found[~np.isnan(found)])
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), _QUANTILES)).round().astype(int)
    return [float(f"{value:.6g}") for value in ordered[places]]


def _measured(environment: Environment, keys: Sequence[str], progress: Progress) -> list[Picture]:
    """The pictures in the keys' order, read side by side."""
    return side_by_side(
        lambda key: measure(staging.read_image(environment, key)),
        keys,
        _THREADS,
        progress,
        lambda done, of: f"Measured {done:,} of {of:,} test images.",
    )


def _as_captured(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """As the store keeps them, in single precision: else the same picture would rank a hair above or below itself."""
    return found.astype(np.float32).astype(np.float64)
