"""The figures hold what the data says, and what a click must find."""

from __future__ import annotations

import pandas as pd
import pytest

from backend import charts

LABELS = ("bicycle", "motorcycle")


@pytest.fixture
def captured() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "record_id": [11, 12, 13],
            "time": pd.to_datetime(["2024-10-15T14:05:12Z", "2024-10-15T14:05:13Z", "2024-10-15T14:05:14Z"]),
            "confidence": [0.99, 0.93, 0.61],
            "predicted_index": [0, 1, 1],
            "inference_id": ["a", "b", None],
        }
    )


def test_every_point_carries_its_record_for_a_click(captured: pd.DataFrame) -> None:
    figure = charts.confidence_over_time(captured, 0.93, LABELS)
    assert {row[0] for trace in figure.data for row in trace.customdata} == {11, 12, 13}


def test_points_are_named_by_the_predicted_label(captured: pd.DataFrame) -> None:
    figure = charts.confidence_over_time(captured, 0.93, LABELS)
    assert [trace.name for trace in figure.data] == ["bicycle", "motorcycle"]


def test_a_point_on_the_threshold_is_drawn_as_passed(captured: pd.DataFrame) -> None:
    figure = charts.confidence_over_time(captured, 0.93, LABELS)
    assert list(figure.data[1].marker.symbol) == ["circle", "circle-open"]


def test_the_threshold_is_drawn_where_it_is(captured: pd.DataFrame) -> None:
    figure = charts.confidence_over_time(captured, 0.93, LABELS)
    assert [shape.y0 for shape in figure.layout.shapes] == [0.93]


def test_without_a_workflow_no_threshold_is_drawn(captured: pd.DataFrame) -> None:
    assert not charts.confidence_over_time(captured, None, LABELS).layout.shapes


def test_the_axis_reaches_below_the_least_confidence(captured: pd.DataFrame) -> None:
    low, high = charts.confidence_over_time(captured, 0.93, LABELS).layout.yaxis.range
    assert low < 0.61
    assert high > 1


def test_the_histogram_tells_passed_from_rejected(captured: pd.DataFrame) -> None:
    figure = charts.confidence_histogram(captured, 0.93)
    assert [len(trace.x) for trace in figure.data] == [2, 1]


def test_the_certain_ones_are_in_the_histograms_last_step(captured: pd.DataFrame) -> None:
    certain = captured.assign(confidence=1.0)
    [passed, _] = charts.confidence_histogram(certain, 0.93).data
    assert all(passed.xbins.end - passed.xbins.size <= value < passed.xbins.end for value in passed.x)


def test_the_histogram_borrows_no_class_color(captured: pd.DataFrame) -> None:
    """It stands beside the points, where each color is a class."""
    points = charts.confidence_over_time(captured, 0.93, LABELS)
    classes = {trace.marker.color for trace in points.data}
    assert len(classes) == 2
    for trace in charts.confidence_histogram(captured, 0.93).data:
        assert {trace.marker.color, trace.marker.line.color}.isdisjoint(classes)


def test_an_epoch_without_validation_is_left_out_of_that_line() -> None:
    epochs = pd.DataFrame({"epoch": [0, 1], "train_accuracy": [0.6, 0.7], "validation_accuracy": [0.5, None]})
    training, validation = charts.accuracy_by_epoch(epochs).data
    assert list(training.x) == [1, 2]
    assert list(validation.x) == [1]


def test_epochs_are_marked_by_whole_numbers() -> None:
    for last, step in ((1, 1), (10, 1), (30, 3)):
        epochs = pd.DataFrame({"epoch": range(last), "train_accuracy": 0.6, "validation_accuracy": 0.5})
        axis = charts.accuracy_by_epoch(epochs).layout.xaxis
        assert (axis.tick0, axis.dtick) == (0, step)


def test_accuracies_are_drawn_on_a_scale_that_ends_at_one() -> None:
    epochs = pd.DataFrame({"epoch": [0], "train_accuracy": [0.55], "validation_accuracy": [None]})
    low, high = charts.accuracy_by_epoch(epochs).layout.yaxis.range
    assert low < 0.55
    assert high >= 1


def test_the_thresholds_name_stands_above_the_bars() -> None:
    (annotation,) = charts.probabilities_bar((0.2, 0.8), LABELS, 0.93).layout.annotations
    assert (annotation.yref, annotation.y, annotation.yanchor) == ("y domain", 1, "bottom")


def test_the_most_probable_class_is_the_topmost_bar() -> None:
    (bars,) = charts.probabilities_bar((0.2, 0.7, 0.1), ("a", "b", "c"), None).data
    assert bars.y[-1] == "b"


def test_a_class_without_a_label_is_still_named() -> None:
    (bars,) = charts.probabilities_bar((0.2, 0.8), (), None).data
    assert bars.y[-1] == "class 1"


@pytest.mark.parametrize(
    "figure",
    [
        lambda empty: charts.confidence_over_time(empty, 0.9, LABELS),
        lambda empty: charts.confidence_histogram(empty, 0.9),
        charts.accuracy_by_epoch,
    ],
)
def test_no_data_is_said_in_words(figure: object) -> None:
    assert callable(figure)
    annotations = figure(pd.DataFrame()).layout.annotations
    assert annotations[0].text.startswith("No ")
