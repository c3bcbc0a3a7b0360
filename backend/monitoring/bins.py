"""Steps of confidence that records are counted in: a hundred million of them cost a chart no more than a few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGES: NDArray[np.float64] = np.concatenate(
    [np.arange(180) / 200, np.arange(900, 990) / 1000, np.arange(1980, 2000) / 2000]
)
"""Where each bin begins: steps of 0.005 below 0.9, of 0.001 to 0.99, of 0.0005 to 1; the last one holds 1 too."""
BINS = len(EDGES)
_ENDS = np.append(EDGES[1:], 1.0)


def bins_of(confidences: NDArray[np.float64]) -> NDArray[np.uint16]:
    """The bin of each confidence, from 0 to `BINS` - 1."""
    return np.clip(np.searchsorted(EDGES, confidences, side="right") - 1, 0, BINS - 1).astype(np.uint16)


def first_bin(threshold: float) -> int:
    """The bin that begins at the threshold, or else at what is nearest to it; `BINS` for one above 1."""
    if threshold > 1:
        return BINS
    return int(np.abs(EDGES - threshold).argmin())


def is_edge(threshold: float) -> bool:
    """Whether counting from this threshold on is exact."""
    return threshold in EDGES.tolist()


def quantiles(counts: NDArray[np.int64], shares: tuple[float, ...]) -> NDArray[np.float64]:
    """Quantiles of records that are counted in bins, at most a bin from the true ones.

    `counts` has shape (n, BINS); returns shape (n, len(shares)), NaN where a row counts nothing. Records are taken as
    spread evenly over their bin.
    """
    sums = counts.cumsum(axis=1)
    totals = sums[:, -1]
    found = np.full((len(counts), len(shares)), np.nan)
    rows = np.flatnonzero(totals)
    for column, share in enumerate(shares):
        wanted = totals[rows] * share
        at = np.minimum((sums[rows] < wanted[:, None]).sum(axis=1), BINS - 1)
        before = np.where(at > 0, sums[rows, at - 1], 0)
        inside = counts[rows, at]
        part = np.divide(wanted - before, inside, out=np.zeros(len(rows)), where=inside > 0)
        found[rows, column] = EDGES[at] + part * (_ENDS[at] - EDGES[at])
    return found
