"""Ranks among what was before are uniform while nothing changes, however many values are equal."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pytest
from scipy import stats

from backend.drift import Baseline, ranks
from backend.drift.baseline import BINS
from backend.drift.features import Feature, chances, uniform, values
from backend.errors import BaselineTooSmall
from tests.backend.drift.made_up import CLASSES, records


def test_ranks_are_those_that_an_urn_of_gaps_gives_when_it_is_counted_one_by_one() -> None:
    rng = np.random.default_rng(1)
    gaps = rng.integers(1, 6, (2, BINS))
    bins, chance = rng.integers(0, BINS, (40, 2)), rng.random((40, 2))
    found, after = ranks.conformal(bins, chance, ranks.below_of(gaps))
    for column in range(2):
        urn = [bin_ for bin_, count in enumerate(gaps[column]) for _ in range(count)]
        for row in range(40):
            urn.sort()
            drawn = int(bins[row, column])
            expected = (bisect_left(urn, drawn) + chance[row, column] * urn.count(drawn)) / len(urn)
            assert found[row, column] == pytest.approx(expected)
            urn.append(drawn)
        assert after[-1, column].tolist() == [bisect_left(sorted(urn), bin_) for bin_ in range(BINS + 1)]


def test_a_record_without_a_value_has_no_rank_and_counts_for_none() -> None:
    gaps = np.full((1, BINS), 2)
    found, after = ranks.conformal(np.full((3, 1), BINS), np.full((3, 1), 0.5), ranks.below_of(gaps))
    assert np.isnan(found).all()
    assert (after[-1] == ranks.below_of(gaps)).all()


@pytest.mark.parametrize("at", [0, 10, 100])
def test_the_rank_of_any_record_is_uniform_over_baselines_also_where_most_values_are_equal(at: int) -> None:
    first = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        both = records(60 + at + 1, rng, confidence=np.where(rng.random(61 + at) < 0.7, 1.0, rng.random(61 + at)))
        baseline = Baseline.of(both.take(slice(60)), CLASSES)
        followed = both.take(slice(60, None))
        chance = rng.random((at + 1, len(baseline.columns)))
        found, _ = ranks.conformal(baseline.bins(followed), chance, ranks.below_of(baseline.gaps))
        first.append(found[at])
    for column in np.array(first).T:
        assert stats.kstest(column, "uniform").pvalue > 0.001


def test_ranks_of_records_after_each_other_do_not_depend_on_each_other() -> None:
    pairs = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        baseline, followed = Baseline.of(records(50, rng), CLASSES), records(2, rng)
        chance = rng.random((2, len(baseline.columns)))
        found, _ = ranks.conformal(baseline.bins(followed), chance, ranks.below_of(baseline.gaps))
        pairs.append(found[:, 0])
    assert stats.pearsonr(*np.array(pairs).T).pvalue > 0.001
    assert stats.spearmanr(*np.abs(np.array(pairs).T - 0.5)).pvalue > 0.001


def test_what_is_left_to_chance_is_uniform_and_the_same_for_the_same_key() -> None:
    keys = np.arange(20_000, dtype=np.uint64)
    drawn = uniform(keys, 3)
    assert stats.kstest(drawn, "uniform").pvalue > 0.001
    assert stats.pearsonr(drawn, uniform(keys, 4)).pvalue > 0.001
    assert (uniform(keys[5:9], 3) == drawn[5:9]).all()


def test_chance_within_a_bin_has_nothing_to_do_with_the_order_of_equal_values() -> None:
    made = records(5_000, np.random.default_rng(0), class_index=np.zeros(5_000, np.int64))
    columns = Baseline.of(made, CLASSES).columns
    orders, chance = values(made, columns) % 1, chances(made, columns)
    for place, column in enumerate(columns):
        if column.feature is Feature.CLASS:
            assert stats.pearsonr(orders[:, place], chance[:, place]).pvalue > 0.001


def test_n_values_have_n_and_one_gaps_and_each_is_counted_in_its_bin() -> None:
    made = records(137, np.random.default_rng(0))
    baseline = Baseline.of(made, CLASSES)
    assert baseline.gaps.sum(axis=1).tolist() == [138] * len(baseline.columns)
    for place, bins in enumerate(baseline.bins(made).T):
        assert baseline.counts[place].tolist() == np.bincount(bins, minlength=BINS).tolist()


def test_splitmix_gives_the_numbers_that_its_author_publishes() -> None:
    """Of the state 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64"); the salt is how often it was asked."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for salt, number in enumerate(published):
        assert uniform(np.array([1234567], np.uint64), salt)[0] == (number >> 11) / 2**53


def test_a_feature_that_hardly_any_record_of_the_baseline_has_is_not_followed() -> None:
    rng = np.random.default_rng(0)
    without = records(100, rng, brightness=np.full(100, np.nan), other=None)
    followed = {column.feature for column in Baseline.of(without, CLASSES).columns}
    assert followed == {Feature.CONFIDENCE, Feature.CLASS, Feature.CONTRAST, Feature.SHARPNESS}


def test_of_two_classes_one_is_followed_and_of_many_the_most_frequent_ten() -> None:
    rng = np.random.default_rng(0)
    of_two = Baseline.of(records(100, rng, class_index=rng.integers(0, 2, 100)), 2)
    assert [column.class_index for column in of_two.columns if column.class_index is not None] in ([0], [1])
    classes = np.repeat(np.arange(20), np.arange(20))
    of_many = Baseline.of(records(190, rng, class_index=classes), 20)
    assert [column.class_index for column in of_many.columns if column.class_index is not None] == list(range(10, 20))


def test_too_few_records_are_no_baseline() -> None:
    with pytest.raises(BaselineTooSmall, match="50 records or more, and this one has 49"):
        Baseline.of(records(49, np.random.default_rng(0)), CLASSES)


def test_columns_hold_the_properties_in_their_order() -> None:
    rng = np.random.default_rng(0)
    made = records(60, rng)
    baseline = Baseline.of(made, CLASSES)
    found = values(made, baseline.columns)
    of = {column.feature: found[:, place] for place, column in enumerate(baseline.columns)}
    assert of[Feature.BRIGHTNESS] == pytest.approx(made.brightness, abs=1e-8)
    assert of[Feature.OTHER] == pytest.approx(made.other, abs=1e-8)
    assert of[Feature.SHARPNESS] == pytest.approx(np.log(1 + made.sharpness), abs=1e-8)
