"""Records that change after five minutes: the pictures get darker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np

from backend.monitoring import Selection
from tests.backend.monitoring.watching import BEGIN, line

STREAM = ("scones", "AllTraffic")
LABELS = ("bicycle", "motorcycle", "other")
Capture = Callable[..., None]
CHANGED = BEGIN + timedelta(seconds=300)


def darker(count: int, begin: datetime = CHANGED, seed: int = 9) -> Iterator[bytes]:
    """As `lines`, half as bright."""
    rng = np.random.default_rng(seed)
    for number, probabilities in enumerate(rng.dirichlet([3, 3, 0.5], count)):
        yield line(probabilities, rng.integers(0, 128, (8, 8), np.uint8), begin + timedelta(seconds=number))


def first(seconds: int = 200) -> Selection:
    return Selection(BEGIN, BEGIN + timedelta(seconds=seconds), *STREAM)
