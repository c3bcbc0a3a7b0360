"""The ranks of records among those before them: independent and uniform for as long as nothing changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.drift.baseline import BINS
from backend.drift.records import Floats

_BELOW = np.arange(BINS + 1)


def below_of(gaps: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many gaps are below each bin, and in the last place all; shape (columns, BINS + 1)."""
    return np.concatenate([np.zeros((len(gaps), 1), np.int64), np.cumsum(gaps, axis=1)], axis=1)


def conformal(bins: NDArray[np.int64], chance: Floats, below: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """The rank, from 0 to 1, of each record among the baseline and all records before it, and `below` after each.

    `bins` and `chance`, numbers from 0 to 1, have the shape (records, columns). NaN where a record has no value.
    Where records and baseline are exchangeable, the next value lies in each gap between those before it with the same
    probability. So its bin has that of the gaps in it (a Polya urn), and a random place within the bin's share is
    uniform, whatever came before.
    Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2nd edition, chapter 8.
    """
    is_below = bins[:, :, None] < _BELOW
    after = below + np.cumsum(is_below, axis=0)
    return _placed(bins, chance, after - is_below), after


def fixed(bins: NDArray[np.int64], chance: Floats, below: NDArray[np.int64]) -> Floats:
    """The rank of each record among the baseline alone."""
    return _placed(bins, chance, np.broadcast_to(below, (len(bins), *below.shape)))


def _placed(bins: NDArray[np.int64], chance: Floats, below: NDArray[np.int64]) -> Floats:
    present = bins < BINS
    place = np.where(present, bins, 0)[:, :, None]
    low = np.take_along_axis(below, place, axis=2)[:, :, 0]
    high = np.take_along_axis(below, place + 1, axis=2)[:, :, 0]
    return np.where(present, (low + chance * (high - low)) / below[:, :, -1], np.nan)
