"""The drift alarm: one for a variant, with a promise of how seldom it is false.

If nothing changed, so that the records and those of the baseline are exchangeable, the mean number of records until it
is raised is at least the number that was promised. docs/drift.md has what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.drift import ranks, repeats
from backend.drift.baseline import Baseline
from backend.drift.bets import Factors, Winnings, bets_on
from backend.drift.features import Feature, chances
from backend.drift.records import Floats, Records
from backend.drift.standing import Difference, Standing

DEFAULT_PROMISE: Final = 10_000
"""Records between false alarms, on average, at least."""
_CHUNK: Final = 100
"""Records at once: what a bet can win or lose in as many is still a number."""


@dataclass(frozen=True)
class Alarm:
    """When it was raised, what changed, and since when as far as can be told.

    Records are numbered from 0 as they were counted, repetitions left out; times are in microseconds since 1970, UTC.
    `shares` says how much of the evidence each feature has, which sum to 1; `class_index` is of the class whose share
    changed most where the feature is the class.
    """

    record: int
    time: int
    since_record: int
    since_time: int
    feature: Feature
    class_index: int | None
    shares: dict[Feature, float]


@dataclass(frozen=True)
class Evidence:
    """What the bets have won on average after each of some records, and the records' times; without those that the
    alarm was on for, or that repeated another one."""

    time: NDArray[np.int64]
    won: Floats


@dataclass
class State:
    """All that an alarm needs to go on: `below` and `last` as `ranks` and `repeats` have them.

    `records` were counted and `repeated` left out; `lamp` are the logarithms of what its bets have won.
    """

    below: NDArray[np.int64]
    winnings: Winnings
    lamp: Floats
    last: NDArray[np.uint64]
    records: int = 0
    repeated: int = 0
    alarm: Alarm | None = None
    difference: Difference | None = None


class Detector:
    """An alarm against a baseline, and a lamp for what differs from it since the first record.

    Both stay on: the alarm until it is acknowledged, the lamp until there is another baseline.
    """

    def __init__(self, baseline: Baseline, promise: int = DEFAULT_PROMISE, state: State | None = None) -> None:
        self.baseline = baseline
        self.promise = promise
        self._bets, self._weights = bets_on(baseline.columns)
        self._factors = Factors(self._bets)
        self._standing = Standing(baseline)
        self._fixed = ranks.below_of(baseline.gaps)
        self.state = state or State(
            below=self._fixed,
            winnings=Winnings.none(len(self._bets)),
            lamp=np.zeros(self._standing.bets),
            last=np.zeros(0, np.uint64),
        )

    @property
    def alarm(self) -> Alarm | None:
        """The alarm that is on; None while there is none."""
        return self.state.alarm

    @property
    def evidence(self) -> float:
        """What the bets have won on average: the alarm is raised when it reaches the promise."""
        return float(self.state.winnings.won @ self._weights)

    @property
    def difference(self) -> Difference | None:
        """The difference since the first record; None where none is certain."""
        return self.state.difference

    def feed(self, records: Records) -> Evidence:
        """Take further records into account, in the order of their times; returns the evidence after each.

        What comes late may be fed late: the promise holds in any order that does not depend on the records' values.
        """
        state = self.state
        news = repeats.are_news(records.content, state.last)
        state.last = repeats.newest(records.content, state.last)
        state.repeated += len(records) - int(news.sum())
        counted = records.take(news)
        bins, chance = self.baseline.bins(counted), chances(counted, self.baseline.columns)
        won = [np.zeros(0)]
        times = [np.zeros(0, np.int64)]
        for start in range(0, len(counted), _CHUNK):
            rows = slice(start, start + _CHUNK)
            won.append(self._take(bins[rows], chance[rows], counted.time[rows]))
            times.append(counted.time[rows][: len(won[-1])])
        return Evidence(np.concatenate(times), np.concatenate(won))

    def acknowledge(self) -> None:
        """Switch the alarm off, and watch anew for changes from what was usual before it.

        What came while it was on was not learned: if that is still so, it is raised again. To take it for usual, make
        it the baseline of another detector.
        """
        if (alarm := self.state.alarm) is not None:
            self.state.alarm = None
            self.state.winnings = Winnings.none(len(self._bets), self.state.records, alarm.time)

    def _take(self, bins: NDArray[np.int64], chance: Floats, times: NDArray[np.int64]) -> Floats:
        evidence = np.zeros(0) if self.state.alarm else self._bet(bins, chance, times)
        if self.state.difference is None:
            among = ranks.fixed(bins, chance, self._fixed)
            self.state.lamp, self.state.difference = self._standing.follow(
                among, self.state.lamp, self.state.records, times
            )
        self.state.records += len(bins)
        return evidence

    def _bet(self, bins: NDArray[np.int64], chance: Floats, times: NDArray[np.int64]) -> Floats:
        """The evidence after each record, up to the one that raises the alarm."""
        found, below = ranks.conformal(bins, chance, self.state.below)
        factors = self._factors.of(found)
        won = self.state.winnings.over(factors)
        evidence = won @ self._weights
        reached = np.flatnonzero(evidence >= self.promise)
        end = int(reached[0]) + 1 if len(reached) else len(won)
        first = self.state.records
        self.state.winnings = self.state.winnings.after(factors[:end], won[:end], first, times)
        self.state.below = below[end - 1]
        if len(reached):
            self.state.alarm = self._raised(first + end - 1, int(times[end - 1]))
        return np.asarray(evidence[:end])

    def _raised(self, record: int, time: int) -> Alarm:
        winnings, columns = self.state.winnings, self.baseline.columns
        evidence = winnings.won * self._weights
        by_feature: dict[Feature, float] = {}
        for bet, part in zip(self._bets, evidence, strict=True):
            feature = columns[bet.column].feature
            by_feature[feature] = by_feature.get(feature, 0.0) + float(part)
        feature = max(by_feature, key=by_feature.__getitem__)
        are_of_it = np.array([columns[bet.column].feature is feature for bet in self._bets])
        best = int(np.where(are_of_it, evidence, -1.0).argmax())
        return Alarm(
            record,
            time,
            int(winnings.since[best]),
            int(winnings.since_time[best]),
            feature,
            columns[self._bets[best].column].class_index,
            {of: part / float(evidence.sum()) for of, part in by_feature.items()},
        )
