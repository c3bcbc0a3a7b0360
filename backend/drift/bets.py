"""Bets against ranks being uniform, and what they have won: it grows without bound once they are not.

Each bet multiplies what it has won by a factor whose mean is 1 while ranks are uniform. It is entered anew with every
record (Shiryaev and Roberts), so that what is won after t records is t on average for as long as nothing changes. The
mean of many bets is as well: an e-detector, which reaches N after N records on average at the earliest.
Source: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2022,
arXiv 2203.03532), proposition 2.4; Vovk, "Testing randomness online" (2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.drift.features import Column, Feature
from backend.drift.records import Floats

SLOPES: Final = (0.25, 0.5, 1.0, 1.8)
"""Of bets on the mean, in both directions."""
TAILS: Final = (0.9, 0.95, 0.98)
"""Ranks from which on a tail is bet on, a third on each: few odd records are mostly, but not all, among the oddest."""
STAKES: Final = (0.02, 0.05, 0.1, 0.3)
"""Of bets on a tail: the share of what was won that is lost where the rank is in none."""


class Kind(StrEnum):
    """What a bet is on."""

    MEAN = "mean"
    UPPER = "upper tail"
    LOWER = "lower tail"


@dataclass(frozen=True)
class Bet:
    """A bet on a column: on its mean with this slope, or on a tail with this stake."""

    column: int
    kind: Kind
    strength: float


def bets_on(columns: list[Column]) -> tuple[list[Bet], Floats]:
    """All bets, and the weight of each, which sum to 1.

    Each feature has the same weight, half of it for the mean and half for the tails. Of a class there are no tails; of
    the probability of `other` only a high one is a tail.
    """
    shares = [1 / sum(other.feature is column.feature for other in columns) for column in columns]
    bets: list[Bet] = []
    weights: list[float] = []
    for place, column in enumerate(columns):
        for group in _groups(place, column):
            bets += group
            weights += [shares[place] / len(group) / len(_groups(place, column))] * len(group)
    return bets, np.array(weights) / sum(shares)


def _groups(place: int, column: Column) -> list[list[Bet]]:
    means = [Bet(place, Kind.MEAN, sign * slope) for slope in SLOPES for sign in (1, -1)]
    if not column.has_tails:
        return [means]
    kinds = [Kind.UPPER] if column.feature is Feature.OTHER else [Kind.UPPER, Kind.LOWER]
    return [means, [Bet(place, kind, stake) for kind in kinds for stake in STAKES]]


class Factors:
    """The factors of all bets, for many records at once."""

    def __init__(self, bets: list[Bet]) -> None:
        self._columns = np.array([bet.column for bet in bets])
        self._kinds = np.array([list(Kind).index(bet.kind) for bet in bets])
        self._strengths = np.array([bet.strength for bet in bets])

    def of(self, ranks: Floats) -> Floats:
        """For ranks of shape (records, columns) the factors of shape (records, bets), NaN where a rank is."""
        returns = np.stack([ranks - 0.5, _tail_return(ranks), _tail_return(1 - ranks)])
        return np.asarray(1 + self._strengths * returns[self._kinds, :, self._columns].T)


def _tail_return(ranks: Floats) -> Floats:
    """What a stake of 1 wins: 0 on average while ranks are uniform, -1 below all tails; NaN where a rank is."""
    won = sum((ranks > tail) / (1 - tail) for tail in TAILS) / len(TAILS) - 1
    return np.where(np.isnan(ranks), np.nan, won)


@dataclass
class Winnings:
    """What each bet has won, entered anew with every record; and since when it has won most.

    `best` is the logarithm of what it would have won had it been entered but once, at its best moment; `since` is the
    number of that record, and `since_time` its time.
    """

    won: Floats
    best: Floats
    since: NDArray[np.int64]
    since_time: NDArray[np.int64]

    @classmethod
    def none(cls, bets: int, record: int = 0, time: int = 0) -> Winnings:
        """Nothing yet, before the record of this number and time."""
        return cls(np.zeros(bets), np.zeros(bets), np.full(bets, record), np.full(bets, time))

    def over(self, factors: Floats) -> Floats:
        """What each bet has won after each record, of shape (records, bets).

        Numbers as large or small as factors make them in some hundred records can be told; NaN leaves it as it is.
        """
        is_bet = ~np.isnan(factors)
        logs = np.cumsum(np.log(np.where(is_bet, factors, 1.0)), axis=0)
        before = np.concatenate([np.zeros((1, factors.shape[1])), logs[:-1]])
        return np.asarray(np.exp(logs) * (self.won + np.cumsum(np.where(is_bet, np.exp(-before), 0.0), axis=0)))

    def after(self, factors: Floats, won: Floats, first: int, times: NDArray[np.int64]) -> Winnings:
        """As they are after these records, the first of which has this number; `won` is what `over` said of them."""
        steps = np.log(np.where(np.isnan(factors), 1.0, factors))
        total = steps.sum(axis=0)
        before = np.cumsum(steps, axis=0) - steps
        entered = before.argmin(axis=0)
        lowest = before[entered, np.arange(len(entered))]
        is_better = -lowest > self.best
        return Winnings(
            won[-1],
            total + np.where(is_better, -lowest, self.best),
            np.where(is_better, first + entered, self.since),
            np.where(is_better, times[entered], self.since_time),
        )
