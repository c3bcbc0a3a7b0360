"""What a window amounts to, against scikit-learn, SciPy and NumPy; and when nothing is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix as counted_by_sklearn

from backend import quality
from backend.accuracy import Interval, Withheld, realised
from backend.accuracy.realised import Counted
from backend.evaluation import calibration
from backend.quality import Realised
from backend.quality.window import NO_CLASS, UNKNOWN
from tests.backend.quality.windows import LABELS, sample, window


def found(result: Realised | Withheld) -> Realised:
    assert isinstance(result, Realised)
    return result


def bounds(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def test_where_all_records_have_a_label_the_accuracy_is_the_share_of_right_answers() -> None:
    rng = np.random.default_rng(0)
    answered, truth = rng.integers(0, 3, 240), rng.integers(0, 3, 240)
    realised = found(quality.realised_of(window(answered, truth)))
    share = float(np.mean(answered == truth))
    assert bounds(realised.of_window) == (share, share, share)
    exact = stats.binomtest(int(np.sum(answered == truth)), 240).proportion_ci(method="exact")
    assert bounds(realised.of_traffic) == pytest.approx((share, exact.low, exact.high))
    assert (realised.labelled, realised.records) == (240, 240)


def test_where_some_labels_are_lacking_the_bounds_hold_whatever_they_are() -> None:
    truth = [0] * 70 + [1] * 20 + [UNKNOWN] * 10
    realised = found(quality.realised_of(window([0] * 100, truth)))
    assert bounds(realised.of_window) == (0.75, 0.70, 0.80)
    assert realised.labelled == 90
    assert realised.of_traffic.low == pytest.approx(stats.binomtest(70, 100).proportion_ci(method="exact").low)
    assert realised.of_traffic.high == pytest.approx(stats.binomtest(80, 100).proportion_ci(method="exact").high)


def test_labels_of_some_records_are_never_averaged_as_if_they_were_of_all() -> None:
    truth = [0] * 40 + [UNKNOWN] * 60
    withheld = quality.realised_of(window([0] * 100, truth))
    assert isinstance(withheld, Withheld)
    assert "Labels of 40 of 100 records are known" in withheld.reason
    assert "40 more records" in withheld.reason
    assert isinstance(quality.realised_of(window([0] * 79, [0] * 62 + [UNKNOWN] * 17)), Withheld)
    assert isinstance(quality.realised_of(window([0] * 80, [0] * 64 + [UNKNOWN] * 16)), Realised)


def test_of_a_sample_each_stratum_counts_by_its_size() -> None:
    answers = [(0, 0), (1, 0), (0, 0), (1, 1), (0, 1), (1, 1)]
    labels = {1: "bicycle", 2: "bicycle", 3: "motorcycle", 4: "motorcycle", 5: "other", 6: "motorcycle"}
    seen = found(quality.realised_of(window([0] * 100, [UNKNOWN] * 100), sample([70, 30], answers, labels)))
    assert seen.of_window == realised([Counted(70, 3, 1, 0.8), Counted(30, 3, 3, 0.8)])
    assert seen.of_window.value == pytest.approx(0.7 * 1 / 3 + 0.3)
    assert seen.sample is not None
    assert seen.sample.is_complete
    assert seen.of_traffic.low < seen.of_window.low
    assert seen.of_traffic.high > seen.of_window.high


def test_a_sample_is_outdone_by_labels_of_nearly_all_records() -> None:
    few = sample([50, 50], [(0, 0), (1, 0)], {1: "bicycle", 2: "bicycle"})
    assert found(quality.realised_of(window([0] * 100, [0] * 99 + [UNKNOWN]), few)).sample is None
    assert found(quality.realised_of(window([0] * 100, [UNKNOWN] * 100), few)).sample is not None


def test_what_is_taken_for_what_is_counted_of_all_known_records() -> None:
    rng = np.random.default_rng(1)
    answered, truth = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    matrix = quality.confusion_matrix(window(answered, truth))
    assert matrix.tolist() == counted_by_sklearn(truth, answered, labels=[0, 1, 2]).tolist()


def test_pictures_that_were_chosen_to_be_looked_at_are_no_part_of_it() -> None:
    chosen = np.array([True, False, False, False])
    some = window([0, 0, 1, 1], [1, 0, 1, UNKNOWN], is_chosen=chosen)
    assert quality.confusion_matrix(some).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    all_known = replace(some, truth=np.array([1, 0, 1, 0]))
    assert quality.confusion_matrix(all_known).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_what_is_of_no_class_is_other_also_for_a_model_without_that_class() -> None:
    plain = window([0, 1, 0], [0, 1, NO_CLASS], labels=("bicycle", "motorcycle"))
    assert quality.class_names(plain) == ("bicycle", "motorcycle", "other")
    assert quality.confusion_matrix(plain).tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert found(quality.realised_of(plain)).of_window.value == pytest.approx(2 / 3)
    taught = window([0, 2], [0, NO_CLASS])
    assert quality.class_names(taught) == LABELS
    assert quality.confusion_matrix(taught).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_what_is_compared_is_what_numpy_counts() -> None:
    rng = np.random.default_rng(2)
    answered, confidence = rng.integers(0, 3, 500), rng.random(500)
    estimated = Interval(0.8, 0.7, 0.9)
    shown = window(answered, answered, confidence=confidence)
    figures = quality.figures_of(shown, 0.6, estimated, quality.realised_of(shown))
    assert figures.records == 500
    assert figures.passing == int(np.sum((confidence >= 0.6) & (answered != 2)))
    assert list(figures.class_counts) == [int(np.sum(answered == index)) for index in range(3)]
    assert figures.confidence == pytest.approx(np.mean(confidence))
    assert figures.spread == pytest.approx(np.std(confidence, ddof=1))
    assert figures.estimated == estimated
    assert figures.realised is not None
    assert figures.realised.high == 1
    assert figures.realised.low == pytest.approx(0.025 ** (1 / 500))
    assert quality.figures_of(shown, None, Withheld("no"), Withheld("no")).passing is None


def test_a_sample_is_compared_once_each_stratum_has_a_label() -> None:
    unknown = window([0] * 100, [UNKNOWN] * 100)
    for labels, is_compared in (({1: "bicycle"}, False), ({1: "bicycle", 2: "other"}, True)):
        seen = quality.realised_of(unknown, sample([50, 50], [(0, 0), (1, 0)], labels))
        assert found(seen).has_value == is_compared
        assert (quality.figures_of(unknown, None, Withheld("no"), seen).realised is not None) == is_compared


@pytest.mark.parametrize("answers", [30, 200])
def test_the_calibration_error_that_chance_makes_is_that_of_models_as_right_as_they_are_sure(answers: int) -> None:
    rng = np.random.default_rng(6)
    confidence = rng.uniform(0.5, 1, answers)
    errors = [
        calibration.error_of(calibration.reliability_of(confidence, rng.random(answers) < confidence))
        for _ in range(300)
    ]
    assert quality.chance_error(confidence) == pytest.approx(np.quantile(np.array(errors), 0.95), rel=0.1)
