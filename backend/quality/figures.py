"""What a window amounts to: its accuracy by labels, what is taken for what, and the figures that are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.accuracy import Interval, WindowFigures, Withheld
from backend.evaluation.calibration import BINS
from backend.evaluation.intervals import interval
from backend.quality.samples import Sampled, sampled
from backend.quality.window import NO_CLASS, Window
from backend.review import Progress
from backend.staging.labels import OTHER

MOST_UNKNOWN: Final = 0.2
"""Share of a window's records of which nothing need be known: the accuracy is then known within ten points."""
_DRAWS: Final = 4_000


@dataclass(frozen=True)
class Realised:
    """A window's accuracy by labels.

    `of_window` is that of its own records: exact where all are `labelled`; where most are, within bounds that hold
    whatever the others are, its value their middle; with 95 % confidence by a sample. `of_traffic` is what it says of
    traffic like it, with 95 % confidence: the records are some of many that could have come.
    """

    of_window: Interval
    of_traffic: Interval
    labelled: int
    records: int
    sample: Sampled | None = None

    @property
    def has_value(self) -> bool:
        """Whether more than the interval is known."""
        return self.labelled == self.records if self.sample is None else self.sample.has_value

    @property
    def is_comparable(self) -> bool:
        """Whether a difference from another one says anything: not while it leans on the model's confidence."""
        return self.sample is None or self.sample.has_value


def realised_of(window: Window, sample: Progress | None = None) -> Realised | Withheld:
    """The accuracy by all labels of the window's records, or by its sample where more is known from that.

    Single labels count as they are only where nearly all records have one. Those of some are no window's: what was
    chosen to be labelled, or came from the test set, is not like the rest.
    """
    records, known, right = len(window), int(window.is_known.sum()), int(window.is_right.sum())
    if not records:
        return Withheld("There is no record in this range.")
    by_sample = sampled(sample) if sample else None
    is_close = records - known <= MOST_UNKNOWN * records
    is_closer = by_sample is None or (records - known) / records <= 2 * by_sample.interval.half_width
    if is_close and is_closer:
        low, high = right / records, (right + records - known) / records
        bounds = Interval((low + high) / 2, low, high)
        traffic = Interval(bounds.value, interval(right, records)[0], interval(right + records - known, records)[1])
        return Realised(bounds, traffic, known, records)
    if by_sample is not None:
        return Realised(
            by_sample.interval, _of_traffic(by_sample.interval, records), by_sample.labelled, records, by_sample
        )
    return Withheld(_lacking(records, known))


def known_answers(window: Window) -> NDArray[np.bool_]:
    """The records whose labels show what is taken for what: all known ones, if a person chose none of them.

    Those that were chosen to be labelled, often for being unsure, count only where every record has a label.
    """
    return window.is_known if window.is_known.all() else window.is_known & ~window.is_chosen


def class_names(window: Window) -> tuple[str, ...]:
    """The classes that records are of: the model's and, where it has no class for what is none of them, other."""
    is_more = window.other is None and bool((window.truth[known_answers(window)] == NO_CLASS).any())
    return (*window.labels, OTHER) if is_more else window.labels


def truth_of(window: Window) -> NDArray[np.int64]:
    """What each picture is, as the index of `class_names`: what is of no class is `other`."""
    other = len(window.labels) if window.other is None else window.other
    return np.where(window.truth == NO_CLASS, other, window.truth)


def confusion_matrix(window: Window) -> NDArray[np.int64]:
    """How many records of each class (row) were answered with each class (column), both as `class_names`."""
    size = len(class_names(window))
    matrix = np.zeros((size, size), np.int64)
    shown = known_answers(window)
    np.add.at(matrix, (truth_of(window)[shown], window.class_index[shown]), 1)
    return matrix


def figures_of(
    window: Window, threshold: float | None, estimated: Interval | Withheld, realised: Realised | Withheld
) -> WindowFigures:
    """What is compared with another window."""
    spread = float(window.confidence.std(ddof=1)) if len(window) > 1 else math.nan
    return WindowFigures(
        records=len(window),
        passing=None if threshold is None else int(_passes(window, threshold).sum()),
        class_counts=np.bincount(window.class_index, minlength=len(window.labels))[: len(window.labels)].tolist(),
        confidence=float(window.confidence.mean()) if len(window) else math.nan,
        spread=spread,
        estimated=estimated if isinstance(estimated, Interval) else None,
        realised=realised.of_traffic if isinstance(realised, Realised) and realised.is_comparable else None,
    )


def _passes(window: Window, threshold: float) -> NDArray[np.bool_]:
    is_known = window.class_index != (-1 if window.other is None else window.other)
    return np.asarray((window.confidence >= threshold) & is_known, np.bool_)


def _of_traffic(found: Interval, records: int) -> Interval:
    """With what is left open by there being so many records and no more."""
    low, high = interval(round(found.value * records), records)
    below, above = found.value - low, high - found.value
    return Interval(
        found.value,
        max(0.0, found.value - math.hypot(found.value - found.low, below)),
        min(1.0, found.value + math.hypot(found.high - found.value, above)),
    )


def _lacking(records: int, known: int) -> str:
    needed = math.ceil((1 - MOST_UNKNOWN) * records) - known
    some = f"Labels of {known:,} of {records:,} records are known, and" if known else "No label is known:"
    return (
        f"{some} those of some say nothing about the rest. Label a random sample of 50 for an accuracy within about "
        f"10 points, or {needed:,} more records in any order."
    )


def sampled_shares(progress: Progress) -> list[list[Interval]] | None:
    """The share of the window that is of each class (row, the queue's choices) and was answered with each (column).

    By a sample's labels, each with its own 95 % interval; None without a label.
    """
    if not progress.labels():
        return None
    queue = progress.queue
    return [[_share(progress, truth, answered) for answered in queue.labels] for truth in queue.choices]


def _share(progress: Progress, truth: str, answered: str) -> Interval:
    found = progress.share(lambda item, label: (label, progress.queue.answer(item)) == (truth, answered))
    assert found is not None  # noqa: S101  there is a label
    return found


def chance_error(confidence: NDArray[np.float64]) -> float:
    """The expected calibration error that a model which is as often right as it is sure stays below in 95 % of windows.

    Of many that are drawn with these confidences: how far each bin is off is nearly normal.
    """
    edges = np.linspace(0, 1, BINS + 1)
    variances = np.bincount(np.searchsorted(edges[1:-1], confidence), confidence * (1 - confidence), BINS)
    off = np.random.default_rng(0).normal(0, np.sqrt(variances), (_DRAWS, BINS))
    return float(np.quantile(np.abs(off).sum(axis=1), 0.95) / len(confidence))
