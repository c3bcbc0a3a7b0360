"""What drift is looked for in: captured records as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Records:
    """Records in the order of their times, an array of the same length for each property.

    `time` is in microseconds since 1970, UTC. `key` is any number of its own for each record, the same whenever it is
    read again: what is left to chance is drawn from it. `brightness`, `contrast` and `sharpness` are NaN where there
    is no picture. `other` is the probability of the class `other`, None where the model has no such class. `content`
    is the same number for the same request, and 0 where the request is not known.
    """

    time: NDArray[np.int64]
    key: NDArray[np.uint64]
    confidence: Floats
    class_index: NDArray[np.int64]
    brightness: Floats
    contrast: Floats
    sharpness: Floats
    other: Floats | None
    content: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.bool_] | slice) -> Records:
        """Some of them, in the same order."""
        return Records(
            self.time[rows],
            self.key[rows],
            self.confidence[rows],
            self.class_index[rows],
            self.brightness[rows],
            self.contrast[rows],
            self.sharpness[rows],
            None if self.other is None else self.other[rows],
            self.content[rows],
        )
