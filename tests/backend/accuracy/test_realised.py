"""Accuracy from labels is what was counted, weighted by strata, and its intervals hold what they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from backend.accuracy import Counted, counted, draw_sample, expected_half_width, realised, realised_so_far

STRATA = [Counted(250, 20, 11, 0.6), Counted(250, 15, 13, 0.8), Counted(250, 10, 10, 0.9), Counted(250, 5, 5, 1.0)]


def test_each_stratum_counts_by_its_size() -> None:
    assert realised(STRATA).value == pytest.approx((11 / 20 + 13 / 15 + 1 + 1) / 4)
    assert realised_so_far(STRATA).value == pytest.approx((11 / 20 + 13 / 15 + 1 + 1) / 4)
    uneven = [Counted(900, 10, 5), Counted(100, 10, 10)]
    assert realised(uneven).value == pytest.approx(0.9 * 0.5 + 0.1)


def test_the_interval_of_one_stratum_is_that_of_a_sample_without_replacement() -> None:
    """46 of 52: 0.8846 * 0.1154 / 50 * (1 - 50 / 1000) has the root 0.04404; 1.96 of it to each side of 0.9."""
    found = realised([Counted(1_000, 50, 45)])
    assert found.low == pytest.approx(0.9 - 0.0863, abs=1e-4)
    assert found.high == pytest.approx(0.9 + 0.0863, abs=1e-4)


@pytest.mark.parametrize("interval", [realised, realised_so_far])
def test_no_doubt_is_left_where_all_are_labelled(interval: object) -> None:
    assert callable(interval)
    found = interval([Counted(10, 10, 7), Counted(5, 5, 5)])
    assert (found.low, found.value, found.high) == pytest.approx((0.8, 0.8, 0.8))


def test_labels_without_a_mistake_leave_doubt() -> None:
    assert realised([Counted(250, 5, 5)] * 4).low < 0.95
    assert realised([Counted(250, 5, 5)] * 4).high == 1


def test_a_stratum_without_a_label_says_nothing_of_a_fixed_sample() -> None:
    with pytest.raises(ValueError, match="no label"):
        realised([Counted(10, 2, 2), Counted(10, 0, 0)])


def test_labels_are_counted_by_stratum_those_that_there_are() -> None:
    sample = draw_sample(np.linspace(0, 1, 100), 20, np.random.default_rng(0))
    least, most = sample.strata[0].places, sample.strata[-1].places
    found = counted(sample, {least[0]: True, least[1]: False, most[0]: True})
    assert [(item.size, item.labelled, item.right) for item in found] == [
        (25, 2, 1),
        (25, 0, 0),
        (25, 0, 0),
        (25, 1, 1),
    ]


def against(stratum: Counted, right: int) -> float:
    """The evidence against so many right answers in a stratum: of the count, as its orders are all as likely."""
    first, second = 0.5 + 6 * stratum.expected, 0.5 + 6 * (1 - stratum.expected)
    mixture = stats.betabinom.logpmf(stratum.right, stratum.labelled, first, second)
    with np.errstate(divide="ignore"):
        return float(mixture - stats.hypergeom.logpmf(stratum.right, stratum.size, right, stratum.labelled))


@pytest.mark.parametrize(
    "strata",
    [
        [Counted(12, 5, 3, 0.4), Counted(9, 4, 4, 0.9), Counted(10, 2, 0, 0.8)],
        [Counted(30, 20, 2, 0.95), Counted(30, 10, 9, 0.5)],
        [Counted(200, 12, 10, 0.9), Counted(150, 9, 4, 0.6)],
        [Counted(8, 0, 0, 0.5), Counted(20, 15, 15, 0.5)],
    ],
)
def test_a_number_is_left_out_of_the_sequence_where_every_way_to_divide_it_among_the_strata_is_refuted(
    strata: list[Counted],
) -> None:
    possible = set()
    evidence = [[against(stratum, right) for right in range(stratum.size + 1)] for stratum in strata]
    for division in product(*(range(stratum.size + 1) for stratum in strata)):
        if sum(of[right] for of, right in zip(evidence, division, strict=True)) < math.log(20):
            possible.add(sum(division))
    found = realised_so_far(strata)
    records = sum(stratum.size for stratum in strata)
    assert round(found.low * records) == min(possible)
    assert round(found.high * records) == max(possible)


def window(rng: np.random.Generator, optimism: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and which of 200 answers are right: fewer than those say."""
    confidence = rng.beta(5, 1, 200)
    return confidence, rng.random(200) < confidence - optimism


@pytest.mark.parametrize("optimism", [0.0, 0.2])
def test_intervals_of_fixed_samples_hold_the_windows_accuracy(optimism: float) -> None:
    held = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        confidence, is_right = window(rng, optimism)
        sample = draw_sample(confidence, 40, rng)
        found = realised(counted(sample, {place: bool(is_right[place]) for place in sample.order}))
        held.append(found.covers(float(is_right.mean())))
    assert np.mean(held) >= 0.94


def looked_at_throughout(streams: int, labels: int, optimism: float) -> float:
    """The share of samples of which no look, after each label, misses."""
    held = []
    for seed in range(streams):
        rng = np.random.default_rng(seed)
        confidence, is_right = window(rng, optimism)
        sample, known = draw_sample(confidence, labels, rng), {}
        looks = []
        for place in sample.order:
            known[place] = bool(is_right[place])
            looks.append(realised_so_far(counted(sample, known)).covers(float(is_right.mean())))
        held.append(all(looks))
    return float(np.mean(held))


@pytest.mark.parametrize("optimism", [0.0, 0.4])
def test_no_look_misses_in_nineteen_of_twenty_samples(optimism: float) -> None:
    assert looked_at_throughout(60, 30, optimism) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("optimism", [0.0, 0.2, 0.4])
def test_no_look_misses_over_many_samples(optimism: float) -> None:
    assert looked_at_throughout(1_000, 60, optimism) >= 0.95


def test_the_half_width_that_is_expected_is_what_comes_where_the_model_is_as_right_as_it_is_sure() -> None:
    rng = np.random.default_rng(5)
    confidence = rng.beta(4, 1.5, 1_000)
    expected, widths = [], []
    for _ in range(200):
        drawn = draw_sample(confidence, 50, rng)
        is_right = {place: bool(rng.random() < confidence[place]) for place in drawn.order}
        found = realised(counted(drawn, is_right))
        expected.append(expected_half_width(drawn))
        widths.append(found.value - found.low)  # the other side may be cut at 1
    assert np.std(expected) < 1e-9
    assert expected[0] == pytest.approx(np.mean(widths), rel=0.03)
