"""What records are compared with: where the features' values of a baseline lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.drift.features import Column, columns_of, values
from backend.drift.records import Floats, Records
from backend.errors import BaselineTooSmall

BINS: Final = 50
SMALLEST: Final = 50
"""Records: fewer say too little of what is usual."""


@dataclass(frozen=True)
class Baseline:
    """For each column, the values that part its bins, and how many of the gaps between its values each bin has.

    `edges` has the shape (columns, BINS - 1), `gaps` (columns, BINS). n values have n + 1 gaps, one of them below and
    one above all, and the next value of the same kind is as likely in each.
    """

    columns: list[Column]
    edges: Floats
    gaps: NDArray[np.int64]
    records: int

    @classmethod
    def of(cls, records: Records, classes: int) -> Baseline:
        """That of these records, of a model of so many classes, `other` included; raises BaselineTooSmall.

        A feature that fewer than 50 of them have is left out.
        """
        if len(records) < SMALLEST:
            raise BaselineTooSmall(
                f"A baseline needs {SMALLEST} records or more, and this one has {len(records)}. Choose a longer window."
            )
        columns = columns_of(records, classes)
        found = values(records, columns)
        kept = [place for place in range(len(columns)) if np.count_nonzero(~np.isnan(found[:, place])) >= SMALLEST]
        parts = [_parted(np.sort(found[~np.isnan(found[:, place]), place])) for place in kept]
        edges, gaps = (np.array(part) for part in zip(*parts, strict=True))
        return cls([columns[place] for place in kept], edges, gaps, len(records))

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many of its values are in each bin: an edge belongs to the bin above, and below all is but a gap."""
        return np.asarray(self.gaps - (np.arange(BINS) == 0))

    def bins(self, records: Records) -> NDArray[np.int64]:
        """The bin of each value, of shape (records, columns); BINS where a record has none."""
        found = values(records, self.columns)
        bins = np.empty(found.shape, np.int64)
        for place, edges in enumerate(self.edges):
            bins[:, place] = np.searchsorted(edges, found[:, place], side="right")
        bins[np.isnan(found)] = BINS
        return bins


def _parted(ordered: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Edges at values whose ranks are as even as can be, and the gaps that are in each bin."""
    ranks = np.round(np.arange(1, BINS) * (len(ordered) + 1) / BINS).astype(np.int64)
    return ordered[ranks - 1], np.diff(ranks, prepend=0, append=len(ordered) + 1)
