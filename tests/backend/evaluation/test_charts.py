"""The evaluation's figures hold what was calculated, and what a click must find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend import charts
from backend.evaluation import Candidates, calibration, figures, threshold
from tests.backend.evaluation.answers import FIVE, KNOWN, drawn, evaluation, image

OTHER = "other"


@pytest.mark.parametrize("labels", [KNOWN, (*KNOWN, OTHER), (*FIVE, OTHER)])
def test_each_cell_of_the_matrix_is_a_square_with_its_count_that_says_which_it_is(labels: tuple[str, ...]) -> None:
    matrix = figures.confusion_matrix(drawn(labels, 200, seed=1))
    [squares] = charts.confusion_squares(matrix, labels).data
    assert len(squares.x) == len(labels) ** 2
    for row, column, text, data in zip(squares.y, squares.x, squares.text, squares.customdata, strict=True):
        assert list(data) == ["cell", row, column]
        assert text == (f"{matrix[row, column]:,}" if matrix[row, column] else "")


def test_right_answers_have_another_color_than_wrong_ones() -> None:
    [squares] = charts.confusion_squares(np.array([[3, 1], [0, 4]]), KNOWN).data
    right, wrong = squares.marker.color[0], squares.marker.color[1]
    assert right.startswith("rgba(0,114,178")
    assert wrong.startswith("rgba(213,94,0")


def test_the_first_class_is_the_top_row() -> None:
    figure = charts.confusion_squares(np.eye(2, dtype=np.int64), KNOWN)
    assert list(figure.layout.yaxis.range) == [1.5, -0.5]
    assert list(figure.layout.yaxis.ticktext) == list(KNOWN)


def test_a_label_is_shown_as_it_stands() -> None:
    figure = charts.confusion_squares(np.eye(2, dtype=np.int64), ("<b>a</b>", "pickup_truck"))
    assert list(figure.layout.xaxis.ticktext) == ["&lt;b&gt;a&lt;/b&gt;", "pickup truck"]


def test_the_reliability_diagram_has_a_point_for_each_bin_with_its_interval() -> None:
    bins = calibration.reliability(drawn(KNOWN, 200, seed=1).test)
    ideal, model = charts.reliability_diagram(bins).data
    assert (list(ideal.x), list(ideal.y)) == ([0, 1], [0, 1])
    np.testing.assert_allclose(model.x, bins["confidence"])
    np.testing.assert_allclose(model.y, bins["accuracy"])
    np.testing.assert_allclose(model.y + model.error_y.array, bins["accuracy_high"])
    np.testing.assert_allclose(model.y - model.error_y.arrayminus, bins["accuracy_low"])


def test_a_point_of_the_curve_leads_to_its_threshold() -> None:
    rows = threshold.curve(Candidates.of(drawn(KNOWN, 200, seed=1)))
    figure = charts.coverage_curve(rows, {"Here": (0.5, 0.9)})
    high, low, curve, mark = figure.data
    np.testing.assert_allclose(high.y, rows["accuracy_high"])
    np.testing.assert_allclose(low.y, rows["accuracy_low"])
    np.testing.assert_allclose(curve.y, rows["accuracy"])
    assert [list(data) for data in curve.customdata] == [["threshold", value] for value in rows["threshold"]]
    assert (list(mark.x), list(mark.y), mark.name) == ([0.5], [0.9], "Here")


def test_of_many_thresholds_enough_are_drawn_and_both_ends() -> None:
    rows = threshold.curve(Candidates(np.linspace(0.5, 0.99, 5_000), np.ones(5_000, bool), 5_000))
    curve = charts.coverage_curve(rows, {}).data[2]
    assert len(curve.x) == 1_000
    assert (curve.x[0], curve.x[-1]) == (1 / 5_000, 1)


def test_the_cheapest_threshold_is_marked() -> None:
    rows = pd.DataFrame({"threshold": [0.9, 0.8, 0.7], "coverage": [0.2, 0.5, 0.9], "cost": [80.0, 60.5, 90.0]})
    curve, mark = charts.cost_curve(rows).data
    assert list(curve.y) == [80.0, 60.5, 90.0]
    assert (list(mark.x), list(mark.y), mark.name) == ([0.5], [60.5], "Cheapest: 60.50")


def test_without_answers_each_figure_says_so() -> None:
    nothing = evaluation((*KNOWN, OTHER), [image(0, 0, 0.0, 0.1, 0.9)])  # the only one is called other
    candidates = Candidates.of(nothing)
    drawn_ = [
        charts.coverage_curve(threshold.curve(candidates), {}),
        charts.cost_curve(threshold.costs(candidates, 1, 1)),
        charts.reliability_diagram(calibration.reliability(evaluation(KNOWN, []).test)),
    ]
    assert [len(figure.data) for figure in drawn_] == [0, 0, 0]
    assert all(figure.layout.annotations[0].text for figure in drawn_)
