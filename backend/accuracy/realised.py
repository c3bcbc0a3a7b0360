"""What a window's accuracy is, from the labels of a sample that was drawn of it.

The accuracy meant is that of the window's own records, not of others like them: labelling all of them leaves no doubt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from backend.accuracy.interval import NORMAL, Interval
from backend.accuracy.sample import Sample

_ENOUGH: Final = math.log(20)
"""Evidence against a value that occurs with a probability of 5 % at most where it is true."""
_TRUST: Final = 6.0
"""Labels that what is expected of a stratum counts for, in the sequence's bets; it is valid with any number."""


@dataclass(frozen=True)
class Counted:
    """A stratum's records, how many of them were labelled, how many of these are right, and the share expected."""

    size: int
    labelled: int
    right: int
    expected: float = 0.5


def counted(sample: Sample, is_right: Mapping[int, bool]) -> list[Counted]:
    """The strata with the labels that there are, by place in the window."""
    found = []
    for stratum in sample.strata:
        labels = [is_right[place] for place in stratum.places if place in is_right]
        found.append(Counted(stratum.size, len(labels), sum(labels), stratum.expected))
    return found


def realised(strata: Sequence[Counted]) -> Interval:
    """The accuracy of a stratified sample, whose number of labels was fixed beforehand, and its 95 % interval.

    Each stratum's share counts by its size; the variance takes a right and a wrong answer more, so that a stratum
    without mistakes is not taken for certain, and falls to 0 as all are labelled. Raises ValueError where a
    stratum has no label. Source: Cochran, "Sampling Techniques", 3rd edition, chapter 5.
    """
    if not all(stratum.labelled for stratum in strata):
        raise ValueError("a stratum has no label")
    deviation = _deviation(strata, [stratum.right for stratum in strata])
    return Interval.around(_estimate(strata), deviation, *_possible(strata))


def expected_half_width(sample: Sample) -> float:
    """Half the width that `realised` will have once all is labelled, if the model is right as often as is expected."""
    strata = [Counted(stratum.size, len(stratum.places), 0) for stratum in sample.strata]
    expected = [len(stratum.places) * stratum.expected for stratum in sample.strata]
    return NORMAL * _deviation(strata, expected)


def realised_so_far(strata: Sequence[Counted]) -> Interval:
    """The same at any number of labels, also if they are looked at after each and ended when one likes.

    A confidence sequence: with a probability of 95 % no interval of all that are looked at misses. Of each stratum a
    mixture of all numbers of right answers, those near the expected one with more weight, bets against each number; it
    wins as the labels' likelihood ratio, a martingale where that number is true. A window's accuracy is refuted where
    all ways to divide it among the strata are. The labels may come in any order that does not depend on the answers.
    Sources: Waudby-Smith and Ramdas, "Confidence sequences for sampling without replacement" (2020, arXiv 2006.04347);
    Ville's inequality.
    """
    costs = [_costs(stratum) for stratum in strata]
    best = [int(cost.argmin()) for cost in costs]
    left = _ENOUGH - sum(float(cost[place]) for cost, place in zip(costs, best, strict=True))
    more = [np.diff(cost[place:]) for cost, place in zip(costs, best, strict=True)]
    fewer = [np.diff(cost[place::-1]) for cost, place in zip(costs, best, strict=True)]
    right = sum(stratum.right + place for stratum, place in zip(strata, best, strict=True))
    records = sum(stratum.size for stratum in strata)
    low, high = right - _steps(fewer, left), right + _steps(more, left)
    value = min(max(_estimate(strata), low / records), high / records)
    return Interval(value, low / records, high / records)


def _deviation(strata: Sequence[Counted], right: Sequence[float]) -> float:
    """The standard deviation of the accuracy where so many of each stratum's labels are right."""
    records = sum(stratum.size for stratum in strata)
    variance = 0.0
    for stratum, number in zip(strata, right, strict=True):
        share = (number + 1) / (stratum.labelled + 2)
        left = 1 - stratum.labelled / stratum.size
        variance += (stratum.size / records) ** 2 * share * (1 - share) / stratum.labelled * left
    return math.sqrt(variance)


def _costs(stratum: Counted) -> NDArray[np.float64]:
    """The evidence against each number of right answers that is possible, the fewest first: convex."""
    size, labelled, right = stratum.size, stratum.labelled, stratum.right
    wrong = labelled - right
    numbers = np.arange(right, size - wrong + 1)
    likelihood = gammaln(numbers + 1) - gammaln(numbers - right + 1)
    likelihood += gammaln(size - numbers + 1) - gammaln(size - numbers - wrong + 1)
    likelihood -= gammaln(size + 1) - gammaln(size - labelled + 1)
    first, second = 0.5 + _TRUST * stratum.expected, 0.5 + _TRUST * (1 - stratum.expected)
    mixture = float(betaln(first + right, second + wrong) - betaln(first, second))
    return np.asarray(mixture - likelihood)


def _steps(increments: Sequence[NDArray[np.float64]], left: float) -> int:
    """How many steps are left: the cheapest first, which convex costs allow."""
    return int(np.searchsorted(np.cumsum(np.sort(np.concatenate(increments))), left))


def _estimate(strata: Sequence[Counted]) -> float:
    """Of strata without a label, what is expected."""
    shares = [stratum.right / stratum.labelled if stratum.labelled else stratum.expected for stratum in strata]
    sizes = [stratum.size for stratum in strata]
    return math.fsum(size * share for size, share in zip(sizes, shares, strict=True)) / sum(sizes)


def _possible(strata: Sequence[Counted]) -> tuple[float, float]:
    """The accuracies that the labels leave possible."""
    records = sum(stratum.size for stratum in strata)
    right = sum(stratum.right for stratum in strata)
    wrong = sum(stratum.labelled - stratum.right for stratum in strata)
    return right / records, 1 - wrong / records
