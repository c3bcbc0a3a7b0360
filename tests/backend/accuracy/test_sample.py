"""Records to label are drawn from all degrees of confidence, by chance within each, more where less is certain."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from backend.accuracy import draw_sample


def confidences(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(6, 1, count)


def drawn(count: int, labels: int, seed: int = 0) -> list[list[float]]:
    """The confidences of the records to label, by stratum."""
    window = confidences(count)
    sample = draw_sample(window, labels, np.random.default_rng(seed))
    return [[float(window[place]) for place in stratum.places] for stratum in sample.strata]


def test_four_strata_of_equal_size_part_the_window_by_confidence() -> None:
    window = confidences(1_002)
    sample = draw_sample(window, 50, np.random.default_rng(0))
    assert [stratum.size for stratum in sample.strata] == [251, 251, 250, 250]
    quartiles = np.sort(window)[[250, 501, 751]]
    for at, of_stratum in enumerate(drawn(1_002, 50)):
        assert np.searchsorted(quartiles, of_stratum).tolist() == [at] * len(of_stratum)
    assert [stratum.expected for stratum in sample.strata] == pytest.approx(
        [part.mean() for part in np.array_split(np.sort(window), 4)]
    )


@pytest.mark.parametrize("labels", [8, 20, 50, 100, 137, 999])
def test_as_many_as_are_wanted_are_drawn_and_none_twice(labels: int) -> None:
    sample = draw_sample(confidences(1_000), labels, np.random.default_rng(0))
    assert len(set(sample.order)) == labels
    assert sorted(sample.order) == sorted(place for stratum in sample.strata for place in stratum.places)
    assert min(len(stratum.places) for stratum in sample.strata) >= 2


def test_labels_go_where_least_is_certain() -> None:
    """In proportion to size and spread, Neyman's allocation: of equal sizes, to the spread and 0.2 more."""
    window = np.repeat([0.5, 0.8, 0.9, 1.0], 250)
    sample = draw_sample(window, 150, np.random.default_rng(0))
    assert [len(stratum.places) for stratum in sample.strata] == [53, 45, 37, 15]  # of .7, .6, .5 and .2: 52.5, 45...


def test_each_record_of_a_stratum_is_as_likely_and_may_come_first() -> None:
    window = confidences(40)
    samples = [draw_sample(window, 12, np.random.default_rng(seed)) for seed in range(2_000)]
    for at, stratum in enumerate(samples[0].strata):
        chosen = Counter(place for sample in samples for place in sample.strata[at].places)
        assert len(chosen) == stratum.size
        assert stats.chisquare(list(chosen.values())).pvalue > 0.001
    assert len(Counter(sample.order[0] for sample in samples)) == 40


def test_of_a_window_with_fewer_records_all_are_labelled() -> None:
    sample = draw_sample(confidences(7), 50, np.random.default_rng(0))
    assert sorted(sample.order) == list(range(7))
    assert sample.records == 7


def test_few_labels_are_drawn_from_fewer_strata() -> None:
    assert len(draw_sample(confidences(100), 5, np.random.default_rng(0)).strata) == 2
    assert len(draw_sample(confidences(100), 1, np.random.default_rng(0)).strata) == 1


@pytest.mark.parametrize(("records", "labels"), [(0, 10), (10, 0)])
def test_nothing_is_no_sample(records: int, labels: int) -> None:
    with pytest.raises(ValueError, match="needs a record and a label"):
        draw_sample(confidences(records), labels, np.random.default_rng(0))
