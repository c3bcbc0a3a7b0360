"""The usual figures are what scipy says they are, and no larger by chance than is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from backend.drift import Baseline, Feature, describe
from tests.backend.drift.made_up import CLASSES, records


def test_the_index_is_the_sum_of_both_relative_entropies() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 40, 10), rng.integers(0, 9, 10)
    shares = [(counts + 0.5) / (counts + 0.5).sum() for counts in (first, second)]
    expected = stats.entropy(*shares) + stats.entropy(*reversed(shares))
    assert describe.psi(first, second) == pytest.approx(expected)


def test_the_distance_is_that_of_the_values_bins() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 50, 300), rng.integers(5, 50, 80)
    counts = [np.bincount(values, minlength=50) for values in (first, second)]
    assert describe.ks(*counts) == pytest.approx(stats.ks_2samp(first, second).statistic)


def test_a_window_is_described_by_its_values_between_the_baselines_deciles() -> None:
    rng = np.random.default_rng(0)
    usual, window = records(999, rng), records(150, rng)
    window = replace(window, brightness=window.brightness * 0.8)
    [found] = [
        item for item in describe.describe(Baseline.of(usual, CLASSES), window) if item.column.feature == "brightness"
    ]
    deciles = np.sort(usual.brightness)[99::100]
    edges = [-np.inf, *deciles, np.inf]
    counts = [np.histogram(values, edges)[0] for values in (usual.brightness, window.brightness)]
    assert found.psi.value == pytest.approx(describe.psi(*counts))
    exact = stats.ks_2samp(usual.brightness, window.brightness).statistic
    assert exact - 0.02 <= found.ks.value <= exact + 1e-9  # it is looked at between the bins only
    assert found.records == 150


@pytest.mark.parametrize(("baseline", "window"), [(200, 100), (1_000, 500)])
def test_no_more_than_one_window_in_twenty_is_larger_than_chance_is_said_to_make_it(baseline: int, window: int) -> None:
    above = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        both = records(baseline + window, rng)
        usual = Baseline.of(both.take(slice(baseline)), CLASSES)
        [first, *_] = describe.describe(usual, both.take(slice(baseline, None)))
        above.append([first.psi.value > first.psi.by_chance, first.ks.value > first.ks.by_chance])
    for count in np.sum(above, axis=0):
        assert stats.binomtest(int(count), 300, 0.05).pvalue > 0.001


def test_the_class_mix_is_larger_than_chance_in_one_window_in_twenty() -> None:
    above = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        mix = describe.class_mix(rng.multinomial(200, [0.45, 0.45, 0.1]), rng.multinomial(100, [0.45, 0.45, 0.1]))
        above += mix.psi.value > mix.psi.by_chance
    assert stats.binomtest(above, 300, 0.05).pvalue > 0.001


def test_a_class_mix_has_the_shares_of_both_sides() -> None:
    mix = describe.class_mix(np.array([50, 50]), np.array([30, 70]))
    assert mix.baseline.tolist() == [0.5, 0.5]
    assert mix.window.tolist() == [0.3, 0.7]
    assert mix.psi.value > mix.psi.by_chance
    with pytest.raises(ValueError, match="record on both sides"):
        describe.class_mix(np.array([50, 50]), np.array([0, 0]))


def test_what_a_window_has_no_value_of_is_not_described() -> None:
    rng = np.random.default_rng(0)
    window = records(60, rng, brightness=np.full(60, np.nan))
    found = {item.column.feature for item in describe.describe(Baseline.of(records(100, rng), CLASSES), window)}
    assert found == {Feature.CONFIDENCE, Feature.CONTRAST, Feature.SHARPNESS, Feature.OTHER}
