"""Two windows, or two variants, side by side: each figure of both, and the difference with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.accuracy.interval import Interval
from backend.monitoring.summaries import wilson


@dataclass(frozen=True)
class WindowFigures:
    """What is known of a window: accuracies are None where they are not.

    `passing` of its `records` pass; `class_counts` are those of each class's answers in the order of their index;
    `confidence` and `spread` are mean and standard deviation of the records' confidence.
    """

    records: int
    passing: int | None
    class_counts: Sequence[int]
    confidence: float
    spread: float
    estimated: Interval | None = None
    realised: Interval | None = None


@dataclass(frozen=True)
class Compared:
    """A figure of two windows, and the second's less the first's."""

    title: str
    first: Interval
    second: Interval

    @property
    def difference(self) -> Interval:
        return self.second.minus(self.first)

    @property
    def is_certain(self) -> bool:
        """Whether there is one, with 95 % confidence for this figure alone: of many some are so by chance."""
        return not self.difference.covers(0.0)


def compare(first: WindowFigures, second: WindowFigures, labels: Sequence[str]) -> list[Compared]:
    """All figures that both have, of records of different times or variants; raises ValueError for an empty window.

    What both accuracies are estimated from is the same evaluation: its error is the same in both, so that the interval
    of their difference is wider than it need be.
    """
    if not first.records or not second.records:
        raise ValueError("a window without records has no figures")
    mixes = zip(labels, first.class_counts, second.class_counts, strict=True)
    pairs = [
        ("Pass rate", _share(first.passing, first.records), _share(second.passing, second.records)),
        *((f"Answered {label}", _share(one, first.records), _share(two, second.records)) for label, one, two in mixes),
        ("Mean confidence", _mean(first), _mean(second)),
        ("Estimated accuracy", first.estimated, second.estimated),
        ("Realised accuracy", first.realised, second.realised),
    ]
    return [Compared(title, one, two) for title, one, two in pairs if one is not None and two is not None]


def _share(count: int | None, records: int) -> Interval | None:
    if count is None:
        return None
    low, high = wilson(np.array([count]), np.array([records]))
    return Interval(count / records, float(low[0]), float(high[0]))


def _mean(window: WindowFigures) -> Interval:
    return Interval.around(window.confidence, window.spread / math.sqrt(window.records))
