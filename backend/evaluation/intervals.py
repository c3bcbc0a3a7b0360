"""How far a share that was counted may be from the true one: exact bounds of binomial proportions.

Source: Clopper and Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scipy.special import betaincinv

CONFIDENCE = 0.95
"""Of every interval and every promise."""


@dataclass(frozen=True)
class Proportion:
    """So many of a total, as a share with its two-sided 95 % interval after Clopper and Pearson."""

    count: int
    total: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.count / self.total if self.total else None

    @cached_property
    def interval(self) -> tuple[float, float]:
        """From 0 to 1 where nothing was counted."""
        return interval(self.count, self.total)


def interval(count: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The two-sided interval of a share: each side is missed by at most half of what is left of the confidence."""
    one_sided = (1 + confidence) / 2
    return lower_bound(count, total, one_sided), upper_bound(count, total, one_sided)


def lower_bound(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """What the true share is at least, with this confidence."""
    return float(betaincinv(count, total - count + 1, 1 - confidence)) if count else 0.0


def upper_bound(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """What the true share is at most, with this confidence."""
    return float(betaincinv(count + 1, total - count, confidence)) if count < total else 1.0
