"""Differences have the intervals that are published for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from backend.accuracy import Interval, WindowFigures, compare

NEWCOMBE = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]
"""Table II of his paper of 1998, method 10: two proportions, and the interval of the first less the second."""


def window(passing: int | None, records: int, **more: object) -> WindowFigures:
    figures = WindowFigures(records, passing, (records, 0), 0.9, 0.1)
    return replace(figures, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "second", "published"), NEWCOMBE)
def test_the_difference_of_two_pass_rates_has_newcombes_interval(
    first: tuple[int, int], second: tuple[int, int], published: tuple[float, float]
) -> None:
    [found, *_] = compare(window(*second), window(*first), ("a", "b"))
    assert found.title == "Pass rate"
    assert (found.difference.low, found.difference.high) == pytest.approx(published, abs=6e-5)
    assert found.difference.value == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert found.is_certain == (published[0] > 0)


def test_the_difference_of_two_mean_confidences_has_welchs_interval() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.beta(9, 1, 4_000), rng.beta(8, 1, 3_000)
    first, second = (
        window(1, len(values), confidence=float(values.mean()), spread=float(values.std(ddof=1)))
        for values in (one, two)
    )
    [found] = [item for item in compare(first, second, ("a", "b")) if item.title == "Mean confidence"]
    welch = stats.ttest_ind(two, one, equal_var=False).confidence_interval()
    assert (found.difference.low, found.difference.high) == pytest.approx((welch.low, welch.high), abs=1e-5)


def test_each_figure_that_both_windows_have_is_compared() -> None:
    accuracy = Interval(0.9, 0.8, 0.95)
    first = window(40, 50, estimated=accuracy, realised=accuracy)
    second = window(None, 50, realised=Interval(0.7, 0.6, 0.78))
    found = compare(first, second, ("bicycle", "other"))
    assert [item.title for item in found] == [
        "Answered bicycle",
        "Answered other",
        "Mean confidence",
        "Realised accuracy",
    ]
    assert found[-1].difference.value == pytest.approx(-0.2)
    assert found[-1].is_certain


def test_the_interval_of_a_share_is_wilsons() -> None:
    [found, *_] = compare(window(41, 50), window(9, 30), ("a", "b"))
    for interval, (count, total) in ((found.first, (41, 50)), (found.second, (9, 30))):
        wilson = stats.binomtest(count, total).proportion_ci(method="wilson")
        assert (interval.low, interval.high) == pytest.approx((wilson.low, wilson.high))


def test_an_empty_window_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="without records"):
        compare(window(0, 0), window(1, 2), ("a", "b"))
