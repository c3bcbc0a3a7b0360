"""How different a window of records is from the baseline, in the usual figures: descriptions, none of them a verdict.

Each comes with how large it is by chance alone among as many records: small windows look different without having
changed. Population stability index: Siddiqi, "Credit Risk Scorecards" (2006). Kolmogorov and Smirnov's distance: the
largest one between the two distribution functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.drift.baseline import BINS, Baseline
from backend.drift.features import Column, Feature
from backend.drift.records import Floats, Records

DECILES: Final = 10
CHANCE: Final = 0.95
"""The share of windows without a change in which chance makes a figure no larger than is said."""
_SIMULATED: Final = 2_000
_SEED: Final = 20_260_131

Counts = NDArray[np.integer]


@dataclass(frozen=True)
class Size:
    """A figure, and how large it is by chance alone: in 95 % of windows of this size without a change, at most so."""

    value: float
    by_chance: float


@dataclass(frozen=True)
class Description:
    """How different a feature's values are in a window: `records` that have it; the index is over the deciles."""

    column: Column
    records: int
    psi: Size
    ks: Size


@dataclass(frozen=True)
class ClassMix:
    """The share of each class in the baseline and in the window, and the index over them."""

    baseline: Floats
    window: Floats
    psi: Size


def describe(baseline: Baseline, window: Records) -> list[Description]:
    """Every feature of the window but the class, whose mix says more; those that it has no value of are left out."""
    bins = baseline.bins(window)
    return [
        _description(column, baseline.counts[place], baseline.gaps[place], found)
        for place, column in enumerate(baseline.columns)
        if column.feature is not Feature.CLASS
        and (found := np.bincount(bins[:, place], minlength=BINS + 1)[:BINS]).sum()
    ]


def class_mix(baseline: Counts, window: Counts) -> ClassMix:
    """Of how often each class was answered, in the same order; raises ValueError where either has no record."""
    if not baseline.sum() or not window.sum():
        raise ValueError("a class mix needs a record on both sides")
    rng = np.random.default_rng(_SEED)
    both = baseline + window
    windows = rng.multivariate_hypergeometric(both, int(window.sum()), _SIMULATED, method="marginals")
    size = Size(float(psi(baseline, window)), _by_chance(psi(both - windows, windows)))
    return ClassMix(baseline / baseline.sum(), window / window.sum(), size)


def psi(baseline: Counts, window: Counts) -> Floats:
    """The index of counts by bin, along the last axis; with half a record more in each bin, as none may be empty."""
    expected, found = (_shares(counts + 0.5) for counts in (baseline, window))
    return np.asarray(((found - expected) * np.log(found / expected)).sum(axis=-1))


def ks(baseline: Counts, window: Counts) -> Floats:
    """The distance of counts by bin, along the last axis, at the bins' edges."""
    differences = np.cumsum(_shares(window), axis=-1) - np.cumsum(_shares(baseline), axis=-1)
    return np.asarray(np.abs(differences).max(axis=-1))


def _description(column: Column, counts: Counts, gaps: Counts, found: Counts) -> Description:
    records = int(found.sum())
    psi_by_chance, ks_by_chance = _chances(tuple(gaps.tolist()), records)
    return Description(
        column,
        records,
        Size(float(psi(_tenths(counts), _tenths(found))), psi_by_chance),
        Size(float(ks(counts, found)), ks_by_chance),
    )


@lru_cache(256)
def _chances(gaps: tuple[int, ...], records: int) -> tuple[float, float]:
    """How large index and distance are by chance: the same for all features, as only the gaps in each bin matter.

    A window's values fall into the gaps between those of the baseline with probabilities that are unknown: each
    division among the gaps is as likely, which is a Dirichlet distribution.
    """
    rng = np.random.default_rng(_SEED)
    counts = np.array(gaps) - (np.arange(BINS) == 0)
    windows = rng.multinomial(records, rng.dirichlet(gaps, _SIMULATED))
    return _by_chance(psi(_tenths(counts), _tenths(windows))), _by_chance(ks(counts, windows))


def _tenths(counts: Counts) -> Counts:
    return np.asarray(counts.reshape(*counts.shape[:-1], DECILES, -1).sum(axis=-1))


def _shares(counts: NDArray[np.number]) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _by_chance(simulated: Floats) -> float:
    return float(np.quantile(simulated, CHANCE))
