"""The charts of accuracies show each with its interval, and mark the differences that are more than chance."""

from __future__ import annotations

import pandas as pd
import pytest

from backend import charts
from backend.charts.style import NEUTRAL_COLOR


def rows(**more: object) -> pd.DataFrame:
    values = {"title": ["Estimated", "<b>Realised"], "value": [0.8, 0.7], "low": [0.7, 0.65], "high": [0.95, 0.72]}
    return pd.DataFrame(values | more)


def test_each_accuracy_has_its_interval() -> None:
    first, second = charts.accuracy_intervals(rows()).data
    assert (first.x[0], first.error_x.arrayminus[0], first.error_x.array[0]) == pytest.approx((0.8, 0.1, 0.15))
    assert (second.x[0], second.error_x.arrayminus[0], second.error_x.array[0]) == pytest.approx((0.7, 0.05, 0.02))
    assert second.y[0] == "&lt;b&gt;Realised"


def test_a_difference_that_is_more_than_chance_is_colored() -> None:
    figure = charts.accuracy_differences(rows(is_certain=[True, False]))
    certain, other = (trace.marker.color for trace in figure.data)
    assert certain != NEUTRAL_COLOR
    assert other == NEUTRAL_COLOR
    assert figure.layout.xaxis.range[0] == -figure.layout.xaxis.range[1], "zero is in the middle"


def test_of_nothing_it_is_said_that_there_is_nothing() -> None:
    for chart in (charts.accuracy_intervals, charts.accuracy_differences):
        assert chart(rows(is_certain=False).iloc[:0]).layout.annotations
