"""Which records of a window to label, so that few labels say much about all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STRATA: Final = 4
_LEAST: Final = 2
"""Labels of each stratum: from one alone nothing is known of its spread."""
_FLOOR: Final = 0.2
"""Added to the spread that is expected of a stratum: it may be other than is thought."""

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """Records of similar confidence: how many there are, the places in the window of those to label, in random order.

    `expected` is the share of them that calibrated confidence says are right.
    """

    size: int
    places: tuple[int, ...]
    expected: float


@dataclass(frozen=True)
class Sample:
    """The strata of a window, from the least to the most confident, and all places to label in the order to do so."""

    strata: tuple[Stratum, ...]
    order: tuple[int, ...]

    @property
    def records(self) -> int:
        """Of the window."""
        return sum(stratum.size for stratum in self.strata)


def draw_sample(confidence: NDArray[np.float64], labels: int, rng: np.random.Generator) -> Sample:
    """Draw records to label from a window of these calibrated confidences: `labels` of them, or all where it has fewer.

    Four strata of equal size by confidence; more labels come from those of which less is certain. Within a stratum each
    record is as likely. Raises ValueError for an empty window, or without a label.
    """
    if not len(confidence) or labels < 1:
        raise ValueError("a sample needs a record and a label")
    labels = min(labels, len(confidence))
    strata = np.array_split(np.argsort(confidence, kind="stable"), max(1, min(STRATA, labels // _LEAST)))
    spreads = [float(np.sqrt(np.mean(confidence[part] * (1 - confidence[part])))) for part in strata]
    counts = _allocated(labels, [len(part) for part in strata], spreads)
    drawn = [rng.permutation(part)[:count].tolist() for part, count in zip(strata, counts, strict=True)]
    return Sample(
        tuple(
            Stratum(len(part), tuple(places), float(confidence[part].mean()))
            for part, places in zip(strata, drawn, strict=True)
        ),
        tuple(rng.permutation(np.concatenate(drawn).astype(np.int64)).tolist()),
    )


def _allocated(labels: int, sizes: list[int], spreads: list[float]) -> list[int]:
    """Labels of each stratum in proportion to its size times its spread (Neyman 1934), 2 of each at least."""
    wanted = [size * (spread + _FLOOR) for size, spread in zip(sizes, spreads, strict=True)]
    targets = [labels * part / math.fsum(wanted) for part in wanted]
    counts = [min(_LEAST if labels >= _LEAST * len(sizes) else 1, size) for size in sizes]
    while sum(counts) < labels:
        lacking = [
            target - count if count < size else -math.inf
            for target, count, size in zip(targets, counts, sizes, strict=True)
        ]
        counts[lacking.index(max(lacking))] += 1
    return counts
