"""Which confidence is enough: what each threshold buys, and one that keeps a promise.

The promise, "with 95 % confidence at least r right among those passed", is Learn-then-Test with a fixed sequence
(Angelopoulos et al. 2021, arXiv 2110.01052, section 4.2; Geifman and El-Yaniv 2017, arXiv 1705.08500, ask the same of
a classifier that may abstain). The thresholds that are tested are ranks fixed beforehand, from strict to loose: each is
one hypothesis, "fewer than r are right among those passed", and is refused where so few mistakes would be seen with a
probability of at most 5 %. The first that is not refused ends the sequence, so that nothing has to be corrected for the
number of them. docs/evaluation.md says what that rests on.

The images are those of known classes; an answer `other` never passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv

from backend.evaluation.intervals import CONFIDENCE, lower_bound
from backend.evaluation.record import Evaluation

RANKS = tuple(percent / 100 for percent in range(30, 101, 5))
"""Shares of the images answered with a known class, the most confident ones: what is tested, in this order."""
_COUNTS = (1 << 10, 1 << 15, 1 << 20)
"""Up to how many passed images it is looked for that would suffice, one after the other."""


@dataclass(frozen=True)
class Candidates:
    """The images that a threshold could pass: the confidence of each, and whether its answer is right.

    `images` counts those of known classes in all, with those answered `other`, which no threshold passes.
    """

    confidence: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    images: int

    @classmethod
    def of(cls, evaluation: Evaluation) -> Candidates:
        """Those of the test split."""
        known = evaluation.known
        may_pass = known.passes(0, evaluation.other_index)
        return cls(known.confidence[may_pass], known.is_right[may_pass], len(known.images))

    def joined(self, more: Candidates) -> Candidates:
        """With further images whose label is known, none of which is among these."""
        return Candidates(
            np.concatenate([self.confidence, more.confidence]),
            np.concatenate([self.is_right, more.is_right]),
            self.images + more.images,
        )

    @cached_property
    def _in_order(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The confidences, highest first, and how many mistakes there are among the first 0, 1, 2...; kept."""
        order = np.argsort(-self.confidence, kind="stable")
        mistakes = np.concatenate([[0], np.cumsum(~self.is_right[order])])
        return self.confidence[order], mistakes.astype(np.int64)

    def passed(self, threshold: float) -> Passed:
        """What a threshold passes: every image whose confidence is equal to it or higher."""
        confidences, mistakes = self._in_order
        count = int(np.searchsorted(-confidences, -threshold, side="right"))
        return Passed(threshold, count, int(mistakes[count]), self.images)

    def ranks(self) -> Iterator[Passed]:
        """What is tested: of each rank the images above the first confidence that is not among it, strict to loose.

        So equal confidences are never parted, and given that first confidence the images above it are a sample of all
        that are above it.
        """
        confidences, _ = self._in_order
        for rank in RANKS if len(confidences) else ():
            count = math.ceil(rank * len(confidences) - 1e-9)
            if count >= len(confidences):
                yield self.passed(0.0)
            else:
                above = confidences[confidences > confidences[count]]
                if len(above):
                    yield self.passed(_shortest_between(float(confidences[count]), float(above[-1])))


@dataclass(frozen=True)
class Passed:
    """What a threshold passes of `images` of known classes, and how many of these were given the wrong class."""

    threshold: float
    count: int
    wrong: int
    images: int

    @property
    def coverage(self) -> float:
        return self.count / self.images if self.images else 0.0

    @property
    def accuracy(self) -> float | None:
        """Of those that passed; None where none did."""
        return 1 - self.wrong / self.count if self.count else None

    def at_least_right(self, confidence: float = CONFIDENCE) -> float:
        """The share of right ones that can be promised for this threshold, if it was chosen without these images."""
        return lower_bound(self.count - self.wrong, self.count, confidence)

    def refutes(self, least_right: float, confidence: float = CONFIDENCE) -> bool:
        """Whether it is refuted that fewer than `least_right` are right among those passed."""
        return bool(self.count) and float(bdtr(self.wrong, self.count, 1 - least_right)) <= 1 - confidence


def promise(candidates: Candidates, least_right: float, confidence: float = CONFIDENCE) -> Passed | None:
    """The loosest threshold for which at least `least_right` right ones can be promised, as `confidence` has it.

    None where the images do not suffice for any; 0 < least_right < 1.

    Ranks that pass so few that even without a mistake nothing would follow are left out: how many they pass is known
    without a look at what is right.
    """
    chosen = None
    fewest = needed_without_mistake(least_right, confidence)
    for tested in candidates.ranks():
        if tested.count < fewest:
            continue
        if not tested.refutes(least_right, confidence):
            break
        chosen = tested
    return chosen


def needed_without_mistake(least_right: float, confidence: float = CONFIDENCE) -> int:
    """How many passed images promise `least_right` if none is wrong: the least n with least_right ** n <= 0.05."""
    return math.ceil(math.log(1 - confidence) / math.log(least_right) - 1e-9)


def needed_at(mistakes: float, least_right: float, confidence: float = CONFIDENCE) -> int | None:
    """How many passed images promise it if this share of them is wrong; None where more than a million would not do."""
    if mistakes >= 1 - least_right:
        return None
    for most in _COUNTS:
        counts = np.arange(1, most + 1)
        wrong = np.ceil(mistakes * counts - 1e-9)
        enough = bdtr(wrong, counts, 1 - least_right) <= 1 - confidence
        if enough.any():
            return int(counts[enough.argmax()])
    return None


def needed_images(candidates: Candidates, least_right: float, confidence: float = CONFIDENCE) -> int | None:
    """How many images of known classes might promise it, if passing and mistakes went on as they are.

    The fewest with which any of the ranks would do; None where mistakes are too many at every one.
    """
    found = []
    for rank in candidates.ranks():
        passed = needed_at(rank.wrong / rank.count, least_right, confidence)
        if passed is not None:
            found.append(math.ceil(passed / rank.coverage - 1e-9))
    return min(found, default=None)


def curve(candidates: Candidates) -> pd.DataFrame:
    """What each threshold buys, strict to loose: threshold, passed, wrong, coverage, accuracy, accuracy_low and _high.

    One row for each distinct confidence. The 95 % interval of the accuracy is each threshold's own (Clopper and
    Pearson): it is no promise for one that was picked from the curve.
    """
    thresholds = np.unique(candidates.confidence)[::-1]
    points = [candidates.passed(float(threshold)) for threshold in thresholds]
    passed = np.array([point.count for point in points], np.int64)
    wrong = np.array([point.wrong for point in points], np.int64)
    right, tail = passed - wrong, (1 - CONFIDENCE) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(right > 0, betaincinv(np.maximum(right, 1), wrong + 1, tail), 0.0)
        high = np.where(wrong > 0, betaincinv(right + 1, np.maximum(wrong, 1), 1 - tail), 1.0)
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "passed": passed,
            "wrong": wrong,
            "coverage": passed / max(candidates.images, 1),
            "accuracy": right / passed,
            "accuracy_low": low,
            "accuracy_high": high,
        }
    )


def costs(candidates: Candidates, wrong_price: float, check_price: float) -> pd.DataFrame:
    """What 100 images of known classes cost at each threshold: `cost` beside the columns of the curve.

    Each wrong one that passed has the first price, each that did not pass is checked by a person for the second.
    """
    frame = curve(candidates)
    checked = candidates.images - frame["passed"]
    return frame.assign(cost=100 * (frame["wrong"] * wrong_price + checked * check_price) / max(candidates.images, 1))


def _shortest_between(low: float, high: float) -> float:
    """The number with the fewest decimals that is above `low` and not above `high`."""
    for decimals in range(2, 17):
        value = round((math.floor(low * 10.0**decimals) + 1) / 10.0**decimals, decimals)
        if low < value <= high:
            return value
    return high
