"""Every figure of an evaluation is what scikit-learn or scipy make of the same answers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from backend.evaluation import calibration, figures
from backend.evaluation.foreign import foreign_groups
from backend.evaluation.intervals import Proportion, interval, lower_bound, upper_bound
from backend.evaluation.record import Evaluation
from tests.backend.evaluation.answers import FIVE, KNOWN, drawn, evaluation, image

OTHER = "other"
CASES = [KNOWN, (*KNOWN, OTHER), FIVE, (*FIVE, OTHER)]


@pytest.fixture(params=CASES, ids=["two", "two and other", "five", "five and other"])
def evaluated(request: pytest.FixtureRequest) -> Evaluation:
    return drawn(request.param, 400, seed=len(request.param))


def arrays(evaluated: Evaluation, *, known_only: bool = False) -> tuple[Any, Any]:
    """What the images of the test split are, and the probabilities that were answered."""
    known = len(set(evaluated.labels) - {OTHER})
    images = [item for item in evaluated.images if not known_only or (item.label_index or 0) < known]
    return np.array([item.label_index for item in images]), np.array([item.probabilities for item in images])


def test_accuracy_is_of_known_images_and_an_answer_other_is_wrong(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated, known_only=True)
    found = figures.accuracy(evaluated)
    assert found.total == len(truth)
    assert found.share == pytest.approx(accuracy_score(truth, answers.argmax(axis=1)))


def test_known_classes_are_compared_without_other(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated, known_only=True)
    known = len(set(evaluated.labels) - {OTHER})
    expected = accuracy_score(truth, answers[:, :known].argmax(axis=1))
    assert figures.accuracy_between_known(evaluated).share == pytest.approx(expected)


def test_known_images_called_other_are_a_column_of_the_matrix(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated, known_only=True)
    called = confusion_matrix(truth, answers.argmax(axis=1), labels=range(len(evaluated.labels)))[:, -1].sum()
    expected = called if OTHER in evaluated.labels else 0
    assert figures.known_called_other(evaluated) == Proportion(int(expected), len(truth))


def test_the_confusion_matrix(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated)
    expected = confusion_matrix(truth, answers.argmax(axis=1), labels=range(len(evaluated.labels)))
    assert figures.confusion_matrix(evaluated).tolist() == expected.tolist()


def test_a_cell_leads_to_its_images(evaluated: Evaluation) -> None:
    matrix = figures.confusion_matrix(evaluated)
    for truth, predicted in np.ndindex(matrix.shape):
        images = figures.confused(evaluated, truth, predicted)
        assert len(images) == matrix[truth, predicted]
        assert {(item.label_index, item.predicted_index) for item in images} <= {(truth, predicted)}


def test_precision_and_recall_of_each_class(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated)
    precision, recall, _, images = precision_recall_fscore_support(
        truth, answers.argmax(axis=1), labels=range(len(evaluated.labels)), zero_division=np.nan
    )
    found = figures.by_class(evaluated)
    assert list(found["label"]) == list(evaluated.labels)
    np.testing.assert_allclose(found["precision"], precision)
    np.testing.assert_allclose(found["recall"], recall)
    assert found["images"].tolist() == images.tolist()


def test_a_class_that_was_never_answered_has_no_precision() -> None:
    found = figures.by_class(evaluation(KNOWN, [image(0, 0, 0.9, 0.1), image(1, 1, 0.8, 0.2)]))
    assert np.isnan(found["precision"][1])
    assert found["recall"].tolist() == [1, 0]


@pytest.mark.parametrize(("count", "total"), [(0, 1), (0, 149), (3, 200), (100, 200), (199, 200), (200, 200)])
def test_intervals_are_clopper_and_pearsons(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(0.95, method="exact")
    assert interval(count, total) == pytest.approx((expected.low, expected.high))
    assert Proportion(count, total).interval == interval(count, total)
    low = binomtest(count, total, alternative="greater").proportion_ci(0.95, method="exact").low
    high = binomtest(count, total, alternative="less").proportion_ci(0.95, method="exact").high
    assert lower_bound(count, total) == pytest.approx(low)
    assert upper_bound(count, total) == pytest.approx(high)


def test_of_nothing_nothing_is_known() -> None:
    assert Proportion(0, 0).share is None
    assert Proportion(0, 0).interval == (0, 1)


def test_reliability_is_scikit_learns_calibration_curve(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated)
    right = answers.argmax(axis=1) == truth
    accuracy, confidence = calibration_curve(right, answers.max(axis=1), n_bins=10)
    bins = calibration.reliability(evaluated.test)
    np.testing.assert_allclose(bins["accuracy"], accuracy)
    np.testing.assert_allclose(bins["confidence"], confidence)
    assert bins["images"].sum() == len(truth)
    assert ((bins["low"] <= bins["confidence"]) & (bins["confidence"] <= bins["high"])).all()
    for row in (SimpleNamespace(**dict(zip(bins.columns, row, strict=True))) for row in bins.to_numpy(object)):
        exact = binomtest(row.right, row.images).proportion_ci(0.95, method="exact")
        assert (row.accuracy_low, row.accuracy_high) == pytest.approx((exact.low, exact.high))


def test_the_calibration_error_is_the_distance_in_each_bin_by_its_images(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated)
    right, confidence = answers.argmax(axis=1) == truth, answers.max(axis=1)
    places = np.ceil(confidence * 10)
    expected = sum(
        abs(right[places == place].mean() - confidence[places == place].mean()) * np.mean(places == place)
        for place in np.unique(places)
    )
    assert calibration.calibration_error(evaluated.test) == pytest.approx(expected)


def test_the_temperature_is_where_log_loss_is_least(evaluated: Evaluation) -> None:
    truth, answers = arrays(evaluated)

    def loss(temperature: float) -> float:
        powers = answers ** (1 / temperature)
        return float(log_loss(truth, powers / powers.sum(axis=1, keepdims=True), labels=range(answers.shape[1])))

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-7})
    fitted = calibration.fit_temperature(evaluated.test)
    assert fitted is not None
    assert fitted.value == pytest.approx(best.x, rel=1e-4)
    assert fitted.loss_after == pytest.approx(best.fun, rel=1e-6)
    assert fitted.loss_before == pytest.approx(loss(1), rel=1e-6)
    scaled = calibration.scaled(evaluated.test.probabilities, fitted.value)
    assert log_loss(truth, scaled, labels=range(answers.shape[1])) == pytest.approx(best.fun, rel=1e-6)


@pytest.mark.parametrize("label_index", [0, 1])
def test_no_temperature_makes_the_best_of_answers_that_are_all_right_or_all_wrong(label_index: int) -> None:
    alike = evaluation(KNOWN, [image(number, label_index, 0.75, 0.25) for number in range(10)])
    assert calibration.fit_temperature(alike.test) is None


def test_an_answer_without_any_doubt_can_be_scaled() -> None:
    sure = evaluation(KNOWN, [image(0, 1, 1.0, 0.0), *(image(number, 0, 1.0, 0.0) for number in range(1, 10))])
    fitted = calibration.fit_temperature(sure.test)
    assert fitted is not None
    assert calibration.scaled(sure.test.probabilities, fitted.value)[0] == pytest.approx([0.9, 0.1])  # 9 of 10 right


def test_the_worst_mistakes_are_the_most_confident_ones(evaluated: Evaluation) -> None:
    wrong = [item for item in evaluated.images if item.predicted_index != item.label_index]
    worst = sorted((max(item.probabilities) for item in wrong), reverse=True)[:5]
    assert [max(item.probabilities) for item in figures.worst_mistakes(evaluated, 5)] == worst


def test_foreign_images_are_counted_by_what_they_are() -> None:
    labels = (*KNOWN, OTHER)
    evaluated = evaluation(
        labels,
        [
            image(0, 0, 0.99, 0.01, 0),
            image(1, 2, 0.05, 0.0, 0.95, drawn_from="cat"),
            image(2, 2, 0.96, 0.0, 0.04, drawn_from="blank"),
            image(3, None, 0.9, 0.05, 0.05, split="foreign", drawn_from="ship"),
            image(4, None, 0.0, 0.89, 0.11, split="foreign", drawn_from="ship"),
            image(5, None, 0.0, 0.01, 0.99, split="foreign", drawn_from="ship"),
            image(6, None, 0.95, 0.05, 0.0, split="folder"),
        ],
    )
    groups = foreign_groups(evaluated, 0.9)
    assert [(group.was_trained_on, group.passed) for group in groups] == [
        (False, Proportion(1, 1)),  # of the folder
        (False, Proportion(1, 3)),  # ships: one reaches 0.9, one does not, one is answered `other`
        (True, Proportion(0, 1)),
        (True, Proportion(1, 1)),  # blank
    ]
    assert [item.name for item in groups[1].passing] == ["foreign-3.png"]


def test_foreign_images_are_told_apart_by_what_they_show_the_most_passing_first() -> None:
    images = [
        image(0, None, 0.95, 0.05, 0.0, split="foreign", drawn_from="ship"),
        image(1, None, 0.5, 0.25, 0.25, split="foreign", drawn_from="ship"),
        image(2, None, 0.95, 0.05, 0.0, split="foreign", drawn_from="truck"),
        image(3, None, 0.0, 0.0, 1.0, split="foreign", drawn_from="cat"),
        replace(image(4, None, 0.95, 0.05, 0.0, split="folder"), name="cars/old/a.png"),
        replace(image(5, None, 0.95, 0.05, 0.0, split="folder"), name="b.png"),
    ]
    folder, held_out = foreign_groups(evaluation((*KNOWN, OTHER), images), 0.9)
    assert held_out.by_kind == (("truck", Proportion(1, 1)), ("ship", Proportion(1, 2)), ("cat", Proportion(0, 1)))
    assert folder.by_kind == (("cars/old", Proportion(1, 1)),)


def test_without_foreign_images_there_is_no_group() -> None:
    assert foreign_groups(drawn(KNOWN, 20, 1), 0.5) == []


def test_an_evaluation_without_known_images_has_no_figures() -> None:
    empty = evaluation((*KNOWN, OTHER), [])
    assert figures.accuracy(empty) == figures.accuracy_between_known(empty) == Proportion(0, 0)
    assert figures.confusion_matrix(empty).sum() == 0
    assert calibration.reliability(empty.test).empty
    assert calibration.calibration_error(empty.test) is None
    assert calibration.fit_temperature(empty.test) is None
