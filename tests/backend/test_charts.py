"""The figures hold what the data says, and what a click must find."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from backend import charts

LABELS = ("bicycle", "motorcycle")


STEP = timedelta(minutes=5)
WINDOW = (datetime(2024, 10, 15, 14, 0, tzinfo=UTC), datetime(2024, 10, 15, 15, 0, tzinfo=UTC))


@pytest.fixture
def captured() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "record_id": [11, 12, 13],
            "time": pd.to_datetime(["2024-10-15T14:05:12Z", "2024-10-15T14:05:13Z", "2024-10-15T14:05:14Z"]),
            "confidence": [0.99, 0.93, 0.61],
            "class_index": [0, 1, 1],
            "inference_id": ["a", "b", None],
        }
    )


@pytest.fixture
def steps() -> pd.DataFrame:
    """Two steps side by side, and one behind a gap."""
    return pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-10-15T14:00Z", "2024-10-15T14:05Z", "2024-10-15T14:30Z"]),
            "records": [10, 20, 30],
            "p5": [0.5, 0.6, 0.7],
            "p25": [0.6, 0.7, 0.8],
            "p50": [0.7, 0.8, 0.9],
            "p75": [0.8, 0.9, 0.95],
            "p95": [0.9, 0.95, 0.99],
            "pass_rate": [0.5, 0.25, 1.0],
            "pass_low": [0.25, 0.125, 0.875],
            "pass_high": [0.75, 0.5, 1.0],
        }
    )


def at(seconds: float) -> datetime:
    return datetime(2024, 10, 15, 14, 5, 12, tzinfo=UTC) + timedelta(seconds=seconds)


def points_of(captured: pd.DataFrame, threshold: float | None = 0.93, what_if: float | None = None) -> Any:
    return charts.confidence_points(captured, threshold, LABELS, WINDOW, what_if)


def drawn_times(figure: Any) -> list[pd.Timestamp]:
    """Plotly knows no zones: as they are written, in UTC."""
    return sorted(pd.Timestamp(value).tz_localize(UTC) for trace in figure.data for value in trace.x)


def test_every_point_carries_its_record_for_a_click(captured: pd.DataFrame) -> None:
    rows = [row for trace in points_of(captured).data for row in trace.customdata]
    assert [(kind, record) for kind, record, *_ in rows] == [("record", 11), ("record", 12), ("record", 13)]


def test_points_are_named_by_the_predicted_label(captured: pd.DataFrame) -> None:
    assert [trace.name for trace in points_of(captured).data] == ["bicycle", "motorcycle"]


def test_what_others_chose_is_shown_as_it_stands(captured: pd.DataFrame) -> None:
    """Plotly acts on tags that it knows."""
    figure = charts.confidence_points(captured.assign(inference_id="<b>x</b>"), None, ["<i>y</i>", "z"], WINDOW)
    assert [row[3] for row in figure.data[0].customdata] == ["&lt;b&gt;x&lt;/b&gt;"]
    assert figure.data[0].name == "&lt;i&gt;y&lt;/i&gt;"


def test_points_are_told_apart_by_their_shape_and_one_on_the_threshold_passed(captured: pd.DataFrame) -> None:
    assert list(points_of(captured).data[1].marker.symbol) == ["circle", "diamond-open"]


def test_without_a_threshold_no_point_failed_it(captured: pd.DataFrame) -> None:
    assert {symbol for trace in points_of(captured, None).data for symbol in trace.marker.symbol} == {"circle"}


def test_points_of_one_second_do_not_hide_each_other_and_tell_their_true_time(captured: pd.DataFrame) -> None:
    figure = points_of(captured.assign(time=pd.Timestamp(at(0)), class_index=0))
    assert drawn_times(figure)[0] == at(0)
    assert len(set(drawn_times(figure))) == 3
    assert drawn_times(figure)[-1] < at(1)
    assert {row[2] for row in figure.data[0].customdata} == {"2024-10-15 14:05:12"}


def test_points_of_different_classes_in_one_second_do_not_hide_each_other(captured: pd.DataFrame) -> None:
    assert len(set(drawn_times(points_of(captured.assign(time=pd.Timestamp(at(0))))))) == 3


def test_points_of_one_microsecond_stay_within_their_second(captured: pd.DataFrame) -> None:
    times = drawn_times(points_of(captured.assign(time=pd.Timestamp(at(0.75)))))
    assert times[0] == at(0.75)
    assert times[-1] < at(1)


def test_a_time_of_its_own_is_drawn_where_it_is(captured: pd.DataFrame) -> None:
    assert drawn_times(points_of(captured)) == [at(0), at(1), at(2)]


def test_the_threshold_is_drawn_where_it_is(captured: pd.DataFrame) -> None:
    assert [shape.y0 for shape in points_of(captured).layout.shapes] == [0.93]


def test_another_threshold_is_drawn_beside_it_in_another_stroke(captured: pd.DataFrame) -> None:
    deployed, tried = points_of(captured, what_if=0.8).layout.shapes
    assert (deployed.y0, tried.y0) == (0.93, 0.8)
    assert deployed.line.dash != tried.line.dash


def test_without_a_workflow_no_threshold_is_drawn(captured: pd.DataFrame) -> None:
    assert not points_of(captured, None).layout.shapes


def test_the_axis_reaches_below_the_least_confidence(captured: pd.DataFrame) -> None:
    low, high = points_of(captured).layout.yaxis.range
    assert low < 0.61
    assert high > 1


def test_bands_reach_from_one_quantile_to_the_other_as_wide_as_their_step(
    captured: pd.DataFrame, steps: pd.DataFrame
) -> None:
    wide, narrow = charts.confidence_bands(steps, captured, STEP, 0.93, LABELS, WINDOW).data[:2]
    assert list(wide.base) == [0.5, 0.6, 0.7]
    assert [low + height for low, height in zip(wide.base, wide.y, strict=True)] == pytest.approx([0.9, 0.95, 0.99])
    assert [low + height for low, height in zip(narrow.base, narrow.y, strict=True)] == pytest.approx([0.8, 0.9, 0.95])
    assert wide.width == 300_000  # milliseconds


def test_the_least_sure_record_of_a_step_is_a_point_for_a_click(captured: pd.DataFrame, steps: pd.DataFrame) -> None:
    lowest = captured.drop(columns="inference_id")
    traces = charts.confidence_bands(steps, lowest, STEP, 0.93, LABELS, WINDOW).data[3:]
    rows = [row for trace in traces for row in trace.customdata]
    assert [(kind, record) for kind, record, *_ in rows] == [("record", 11), ("record", 12), ("record", 13)]


def test_a_band_says_which_step_it_is(captured: pd.DataFrame, steps: pd.DataFrame) -> None:
    band = charts.confidence_bands(steps, captured, STEP, None, LABELS, WINDOW).data[0]
    began = [(kind, datetime.fromtimestamp(seconds, UTC)) for kind, seconds, _ in band.customdata]
    assert began == [("step", WINDOW[0] + timedelta(minutes=minutes)) for minutes in (0, 5, 30)]


def test_a_line_is_broken_where_a_step_has_no_record(captured: pd.DataFrame, steps: pd.DataFrame) -> None:
    median = charts.confidence_bands(steps, captured, STEP, None, LABELS, WINDOW).data[2]
    values = [None if pd.isna(value) else value for value in median.y]
    assert values == [0.7, 0.8, None, 0.9]
    assert not median.connectgaps


def test_the_pass_rate_stands_in_its_interval(steps: pd.DataFrame) -> None:
    interval, rate = charts.pass_rate(steps, STEP, WINDOW).data
    assert list(interval.base) == [0.25, 0.125, 0.875]
    assert list(interval.y) == [0.5, 0.375, 0.125]
    assert [value for value in rate.y if not pd.isna(value)] == [0.5, 0.25, 1.0]


def test_the_pass_rate_at_another_threshold_is_a_line_of_its_own(steps: pd.DataFrame) -> None:
    other = charts.pass_rate(steps, STEP, WINDOW, steps.assign(pass_rate=0.125)).data[2]
    assert {value for value in other.y if not pd.isna(value)} == {0.125}


def test_the_class_mix_says_of_each_bar_which_class_it_is() -> None:
    shares = pd.DataFrame({"time": pd.to_datetime(["2024-10-15T14:00Z"]), 0: [0.25], 4: [0.75]})
    bicycle, other = charts.class_mix(shares, STEP, LABELS, WINDOW).data
    assert (bicycle.name, other.name) == ("bicycle", "class 4")
    assert (list(bicycle.y), list(other.y)) == ([0.25], [0.75])
    assert [row[-1] for row in other.customdata] == [4]


def test_a_range_can_be_drawn_over_the_traffic_and_over_nothing_else(
    captured: pd.DataFrame, steps: pd.DataFrame
) -> None:
    traffic = charts.traffic(steps, STEP, WINDOW)
    assert list(traffic.data[0].y) == [10, 20, 30]
    assert traffic.layout.dragmode == "select"
    for figure in (points_of(captured), charts.pass_rate(steps, STEP, WINDOW)):
        assert figure.layout.dragmode == "pan"


def test_charts_over_time_stand_one_below_the_other(captured: pd.DataFrame, steps: pd.DataFrame) -> None:
    for threshold in (0.93, None):
        above = points_of(captured, threshold).layout
        below = charts.traffic(steps, STEP, WINDOW, has_lines=threshold is not None).layout
        assert (above.margin.l, above.margin.r) == (below.margin.l, below.margin.r)
        assert above.xaxis.range == below.xaxis.range


@pytest.fixture
def bins() -> pd.DataFrame:
    """Records between 0.9 and 1 in bins of 0.005, two in each, that pass from 0.935 on."""
    low = [round(0.9 + number * 0.005, 3) for number in range(20)]
    return pd.DataFrame({"low": low, "records": 2, "passes": [value >= 0.935 for value in low]})


def test_the_histogram_tells_passed_from_rejected(bins: pd.DataFrame) -> None:
    below, above = charts.confidence_histogram(bins, 0.935).data
    assert (sum(below.y), sum(above.y)) == (14, 26)


def test_a_bar_that_the_threshold_cuts_is_two(bins: pd.DataFrame) -> None:
    below, above = charts.confidence_histogram(bins, 0.935).data
    assert list(below.customdata[-1]) == ["bin", 0.93, 0.935]
    assert list(above.customdata[0]) == ["bin", 0.935, 0.94]
    assert (below.x[-1], above.x[0]) == (0.93, 0.93)


def test_bars_of_the_histogram_are_a_hundredth_and_the_last_ends_at_one(bins: pd.DataFrame) -> None:
    [records] = charts.confidence_histogram(bins.assign(passes=True), None).data
    assert list(records.x) == pytest.approx([0.9 + number / 100 for number in range(10)])
    assert list(records.y) == [4] * 10
    assert list(records.customdata[-1]) == ["bin", 0.99, 1.0]


def test_every_edge_of_the_counts_begins_the_bar_that_it_belongs_to() -> None:
    low = [number / 200 for number in range(200)]
    [records] = charts.confidence_histogram(pd.DataFrame({"low": low, "records": 1, "passes": True}), None).data
    assert list(records.y) == [2] * 100


def test_the_histogram_borrows_no_class_color(captured: pd.DataFrame, bins: pd.DataFrame) -> None:
    """It stands beside the points, where each color is a class."""
    classes = {trace.marker.color for trace in points_of(captured).data}
    assert len(classes) == 2
    for trace in charts.confidence_histogram(bins, 0.93).data:
        assert {trace.marker.color, trace.marker.line.color}.isdisjoint(classes)


@pytest.mark.parametrize(("threshold", "symbol"), [(0.5, "diamond-open"), (None, "circle")])
def test_a_point_of_the_class_other_is_open_wherever_there_is_a_threshold(
    captured: pd.DataFrame, steps: pd.DataFrame, threshold: float | None, symbol: str
) -> None:
    labels = ("bicycle", "other")
    points = charts.confidence_points(captured, threshold, labels, WINDOW, other=1)
    bands = charts.confidence_bands(steps, captured, STEP, threshold, labels, WINDOW, other=1)
    for figure in (points, bands):
        symbols = {trace.name: set(trace.marker.symbol) for trace in figure.data if trace.name in labels}
        assert symbols == {"bicycle": {"circle"}, "other": {symbol}}


def test_records_of_the_class_other_are_bars_of_their_own_on_both_sides_of_the_threshold(bins: pd.DataFrame) -> None:
    bins = bins.assign(unknown=[1 if low in (0.93, 0.935, 0.995) else 0 for low in bins["low"]])
    below, above, unknown = charts.confidence_histogram(bins, 0.935, other=5).data
    assert (sum(below.y), sum(above.y)) == (14, 26)
    assert list(unknown.x) == [0.93, 0.99]
    assert list(unknown.y) == [2, 1]
    assert [list(row) for row in unknown.customdata] == [["bin", 0.93, 0.94, 5], ["bin", 0.99, 1.0, 5]]
    assert [len(row) for trace in (below, above) for row in trace.customdata] == [3] * (len(below.x) + len(above.x))


def test_a_histogram_of_nothing_but_the_class_other_is_drawn(bins: pd.DataFrame) -> None:
    figure = charts.confidence_histogram(bins.assign(unknown=1, records=0), 0.935, other=2)
    assert [sum(trace.y) for trace in figure.data] == [0, 0, 20]


def test_six_classes_have_six_colors_in_every_chart(captured: pd.DataFrame) -> None:
    labels = ("bicycle", "bus", "motorcycle", "pickup_truck", "train", "other")
    records = pd.concat([captured.head(1).assign(class_index=index) for index in range(6)])
    shares = pd.DataFrame({"time": captured["time"].head(1)} | dict.fromkeys(range(6), 1 / 6))
    points = {
        trace.name: trace.marker.color for trace in charts.confidence_points(records, 0.9, labels, WINDOW, other=5).data
    }
    mix = {trace.name: trace.marker.color for trace in charts.class_mix(shares, STEP, labels, WINDOW).data}
    (bars,) = charts.probabilities_bar([0.1, 0.1, 0.1, 0.1, 0.1, 0.5], labels, 0.9).data
    assert points == mix == dict(zip(bars.y, bars.marker.color, strict=True))
    assert list(points) == list(labels)
    assert len(set(points.values())) == 6
    assert bars.y[-1] == "other"


def test_what_a_reader_did_to_a_chart_stays_when_it_is_drawn_anew(captured: pd.DataFrame, steps: pd.DataFrame) -> None:
    for figure in (points_of(captured), charts.pass_rate(steps, STEP, WINDOW)):
        assert figure.layout.uirevision == "kept"


def test_a_figure_as_a_page_needs_no_network(captured: pd.DataFrame) -> None:
    page = charts.as_html(points_of(captured))
    assert "Plotly.newPlot" in page
    assert not re.search(r"<script[^>]+src=", page)


def test_an_epoch_without_validation_is_left_out_of_that_line() -> None:
    epochs = pd.DataFrame({"epoch": [0, 1], "train_accuracy": [0.6, 0.7], "validation_accuracy": [0.5, None]})
    training, validation = charts.accuracy_by_epoch(epochs).data
    assert list(training.x) == [1, 2]
    assert list(validation.x) == [1]


def test_the_kept_epoch_is_marked_on_the_line_of_the_validation() -> None:
    epochs = pd.DataFrame(
        {"epoch": [0, 1, 2], "train_accuracy": [0.6, 0.7, 0.8], "validation_accuracy": [0.5, 0.9, 0.8]}
    )
    *_, kept = charts.accuracy_by_epoch(epochs, kept_epoch=1).data
    assert (list(kept.x), list(kept.y), kept.mode) == ([2], [0.9], "markers")


def test_jobs_are_compared_line_by_line_with_the_epoch_that_each_keeps() -> None:
    epochs = pd.DataFrame(
        [("new", 0, 0.5, False), ("new", 1, 0.9, True), ("old", 0, 0.7, True), ("old", 1, None, False)],
        columns=["job", "epoch", "validation_accuracy", "is_kept"],
    )
    new, old = charts.compare_accuracies(epochs).data
    assert (new.name, list(new.x), list(new.y), list(new.marker.symbol)) == (
        "new",
        [1, 2],
        [0.5, 0.9],
        ["circle", "star"],
    )
    assert (old.name, list(old.x), list(old.marker.symbol)) == ("old", [1], ["star"])
    assert new.line.color != old.line.color


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
        lambda empty: charts.confidence_points(empty, 0.9, LABELS, WINDOW),
        lambda empty: charts.confidence_bands(empty, empty, STEP, 0.9, LABELS, WINDOW),
        lambda empty: charts.pass_rate(empty, STEP, WINDOW),
        lambda empty: charts.class_mix(empty, STEP, LABELS, WINDOW),
        lambda _: charts.confidence_histogram(pd.DataFrame({"low": [0.0], "records": [0], "passes": [True]}), 0.9),
        charts.accuracy_by_epoch,
        charts.compare_accuracies,
    ],
)
def test_no_data_is_said_in_words(figure: object) -> None:
    assert callable(figure)
    annotations = figure(pd.DataFrame()).layout.annotations
    assert annotations[0].text.startswith("No ")
