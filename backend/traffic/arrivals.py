"""When images arrive: Poisson processes, steady, in bursts, or by day and night; pure functions of a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

_BURST_SHARE: Final = 0.2  # of a period
_BURST, _CALM = 3.4, 0.4
"""Times the mean rate: 0.2 of the period at 3.4 and 0.8 at 0.4 make 1."""
_SWING: Final = 0.9  # of the mean rate: at noon 1.9 of it, at midnight 0.1


class Pattern(StrEnum):
    """How the rate goes over time."""

    STEADY = "steady"
    BURSTS = "bursts"
    DAY_AND_NIGHT = "day and night"


_PEAKS: Final = {Pattern.STEADY: 1.0, Pattern.BURSTS: _BURST, Pattern.DAY_AND_NIGHT: 1 + _SWING}


@dataclass(frozen=True)
class Load:
    """How many images come when: `rate` a second on average over whole periods, for so many `seconds`.

    A `period`, in seconds, is the time from one burst to the next, or a day: shorter than a real one where time is
    to be compressed. It begins at midnight, and in its middle is the burst.
    """

    pattern: Pattern
    rate: float
    seconds: float
    period: float = 60.0

    @property
    def peak(self) -> float:
        """The highest rate, images a second."""
        return self.rate * _PEAKS[self.pattern]

    def rate_at(self, time: float) -> float:
        """Images a second at this time, in seconds from the start."""
        phase = time / self.period % 1
        match self.pattern:
            case Pattern.STEADY:
                return self.rate
            case Pattern.BURSTS:
                return self.rate * (_BURST if abs(phase - 0.5) < _BURST_SHARE / 2 else _CALM)
            case Pattern.DAY_AND_NIGHT:
                return self.rate * (1 - _SWING * math.cos(2 * math.pi * phase))

    def expected(self, start: float, end: float) -> float:
        """How many images come on average between two times, in seconds from the start."""
        return self.rate * (self._until(min(end, self.seconds)) - self._until(min(start, self.seconds)))

    def _until(self, time: float) -> float:
        """The integral of the rate up to this time, for a mean rate of 1."""
        periods, phase = divmod(time / self.period, 1)
        match self.pattern:
            case Pattern.STEADY:
                return time
            case Pattern.BURSTS:
                burst = min(max(phase - 0.5 + _BURST_SHARE / 2, 0), _BURST_SHARE)
                return self.period * (periods + _CALM * phase + (_BURST - _CALM) * burst)
            case Pattern.DAY_AND_NIGHT:
                return time - self.period * _SWING / (2 * math.pi) * math.sin(2 * math.pi * phase)


def arrivals(load: Load, rng: np.random.Generator) -> Iterator[float]:
    """The times at which images arrive, in seconds from the start, in order: a Poisson process of the load's rate.

    By thinning: arrivals of the peak rate, each kept with the probability that the rate is of the peak at its time
    (Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979).
    """
    time = rng.exponential(1 / load.peak)
    while time < load.seconds:
        if rng.random() * load.peak < load.rate_at(time):
            yield time
        time += rng.exponential(1 / load.peak)
