"""A difference that is there from the first record: the alarm learns it as usual, this lamp does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from backend.drift.baseline import Baseline
from backend.drift.records import Floats

MISTAKEN: Final = 0.05
"""The share of sources without a difference that ever light the lamp, at most: half of it for baselines that are off
by chance more than is allowed for, half for records that are."""
SLOPES: Final = (0.25, 0.5, 1.0)
_ENOUGH: Final = 2 / MISTAKEN


@dataclass(frozen=True)
class Difference:
    """A difference from the baseline that is not chance: in which column it is strongest, and when it was certain."""

    column: int
    is_higher: bool
    record: int
    time: int


class Standing:
    """Bets that ranks among the baseline alone have another mean than 1/2, entered once, with the first record.

    The mean rank among n values is off by chance, normally distributed with the variance 1 / 12n. What is within the
    bounds of 97.5 % of all baselines wins nothing, and a product of such factors reaches 40 with a probability of at
    most 1/40 (Ville's inequality).
    """

    def __init__(self, baseline: Baseline) -> None:
        columns = len(baseline.columns)
        allowed = -ndtri(MISTAKEN / 2 / (2 * columns)) / np.sqrt(12 * baseline.gaps.sum(axis=1))
        slopes = [sign * slope for slope in SLOPES for sign in (1, -1)]
        self._slopes = np.tile(slopes, columns)
        self._columns = np.repeat(np.arange(columns), len(slopes))
        self._middle = 0.5 + np.sign(self._slopes) * allowed[self._columns]

    @property
    def bets(self) -> int:
        return len(self._slopes)

    def follow(
        self, ranks: Floats, logs: Floats, first: int, times: NDArray[np.int64]
    ) -> tuple[Floats, Difference | None]:
        """Logarithms of what each bet has won after these records, from those before, and the difference if it is one.

        `ranks` have the shape (records, columns); `first` is the number of the first record.
        """
        factors = 1 + self._slopes * (ranks[:, self._columns] - self._middle)
        won = logs + np.cumsum(np.log(np.where(np.isnan(factors), 1.0, factors)), axis=0)
        top = won.max(axis=1)
        mean = top + np.log(np.exp(won - top[:, None]).mean(axis=1))
        certain = np.flatnonzero(mean >= math.log(_ENOUGH))
        if not len(certain):
            return won[-1], None
        row = int(certain[0])
        bet = int(won[row].argmax())
        difference = Difference(int(self._columns[bet]), bool(self._slopes[bet] > 0), first + row, int(times[row]))
        return won[row], difference
