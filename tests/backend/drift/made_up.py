"""Records of made-up traffic: independent draws, any property of which can be made otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.drift import Baseline, Detector, Records

CLASSES = 3
"""Two and `other`."""


def records(count: int, rng: np.random.Generator, **otherwise: Any) -> Records:
    """Of a model with a class `other`, from a second 1,000 on, one a second, each of another picture."""
    probabilities = rng.dirichlet([3, 3, 0.5], count)
    made: dict[str, Any] = {
        "time": np.arange(1_000, 1_000 + count) * 1_000_000,
        "key": rng.integers(0, 2**64, count, np.uint64),
        "confidence": probabilities.max(axis=1),
        "class_index": probabilities.argmax(axis=1),
        "brightness": rng.beta(4, 4, count),
        "contrast": rng.beta(2, 6, count),
        "sharpness": rng.gamma(2, 400, count),
        "other": probabilities[:, 2],
        "content": rng.integers(1, 2**64, count, np.uint64),
    }
    return Records(**(made | otherwise))


def detector(rng: np.random.Generator, promise: int = 10_000, size: int = 200) -> Detector:
    return Detector(Baseline.of(records(size, rng), CLASSES), promise)
