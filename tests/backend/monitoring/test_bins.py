"""Steps of confidence: no threshold that a person would choose falls into the middle of one."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from backend.monitoring.bins import BINS, EDGES, bins_of, first_bin, is_edge, quantiles


def decimals(first: str, last: str, step: str) -> list[float]:
    """Numbers as a person writes them, each to the nearest float."""
    count = int((Decimal(last) - Decimal(first)) / Decimal(step))
    return [float(Decimal(first) + number * Decimal(step)) for number in range(count + 1)]


@pytest.mark.parametrize(
    "threshold",
    [*decimals("0", "0.9", "0.005"), *decimals("0.9", "0.99", "0.001"), *decimals("0.99", "0.9995", "0.0005")],
)
def test_counting_from_a_threshold_on_is_exact(threshold: float) -> None:
    assert is_edge(threshold)
    below, above = math.nextafter(threshold, -1), math.nextafter(threshold, 2)
    bins = bins_of(np.array([below, threshold, above]))
    assert [number >= first_bin(threshold) for number in bins] == [threshold == 0.0, True, True]


def test_every_confidence_has_a_bin() -> None:
    assert list(bins_of(np.array([0.0, 1.0, 1.0000009, 0.9999999, 0.5]))) == [0, BINS - 1, BINS - 1, BINS - 1, 100]
    assert list(EDGES) == sorted(set(EDGES))


def test_between_steps_the_nearest_one_stands_for_a_threshold() -> None:
    assert not is_edge(0.931234)
    assert EDGES[first_bin(0.931234)] == 0.931
    assert first_bin(1.5) == BINS


def test_quantiles_are_at_most_a_bin_away_from_those_of_the_records() -> None:
    generator = np.random.default_rng(7)
    rows = [1 - 0.5 * generator.random(size) ** 3 for size in (1, 2, 17, 5000)]
    counts = np.array([np.bincount(bins_of(row), minlength=BINS) for row in rows])
    found = quantiles(counts, (0.05, 0.5, 0.95))
    for row, values in zip(rows, found, strict=True):
        for value, share in zip(values, (0.05, 0.5, 0.95), strict=True):
            lower, upper = (np.quantile(row, share, method=method) for method in ("lower", "higher"))
            assert lower - 0.005 <= value <= upper + 0.005


def test_of_nothing_there_are_no_quantiles() -> None:
    assert np.isnan(quantiles(np.zeros((1, BINS), np.int64), (0.5,))).all()
