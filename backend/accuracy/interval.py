"""A figure with its interval, and the difference of two of them with its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

NORMAL: Final = 1.959963984540054
"""Standard deviations to each side that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Interval:
    """A figure, and what it is at least and at most with 95 % confidence."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, deviation: float, least: float = 0.0, most: float = 1.0) -> Interval:
        """A normal interval, cut at what is possible."""
        half = NORMAL * deviation
        return cls(value, max(least, value - half), min(most, value + half))

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def covers(self, value: float) -> bool:
        return self.low <= value <= self.high

    def minus(self, other: Interval) -> Interval:
        """The difference of two figures that are independent, with the interval that follows from theirs.

        Of two shares with Wilson's intervals it is Newcombe's tenth method; of two means with normal ones the normal
        one. Sources: Newcombe, "Interval estimation for the difference between independent proportions" (1998); Zou and
        Donner, "Construction of confidence limits about effect measures" (2008).
        """
        value = self.value - other.value
        low = value - math.hypot(self.value - self.low, other.high - other.value)
        return Interval(value, low, value + math.hypot(self.high - self.value, other.value - other.low))
