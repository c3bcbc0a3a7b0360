"""Figures of the drift alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from backend import charts

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)
EVIDENCE = pd.DataFrame(
    {"time": pd.to_datetime([BEGIN + timedelta(minutes=n) for n in range(3)]), "evidence": [0.2, 40.0, 1200.0]}
)


def test_evidence_is_drawn_up_to_the_promise_with_when_it_changed_and_was_raised() -> None:
    figure = charts.drift_evidence(
        EVIDENCE, 1_000, change_at=BEGIN + timedelta(minutes=1), raised_at=BEGIN + timedelta(minutes=2)
    )
    assert list(figure.data[0].y) == [1, 40, 1200]  # what is less than one record's worth is not told apart
    said = {note.text: note.x for note in figure.layout.annotations}
    assert said["changed about here"] == "2026-01-02 00:01:00.000000"
    assert said["raised"] == "2026-01-02 00:02:00.000000"
    assert "alarm at 1,000" in said
    low, high = figure.layout.yaxis.range
    assert low < 0 < 3.08 < high  # log10 of 1,200 is 3.08


def test_alarms_that_were_acknowledged_are_marked() -> None:
    figure = charts.drift_evidence(EVIDENCE, 1_000, earlier=[BEGIN, BEGIN + timedelta(minutes=2)])
    assert [note.text for note in figure.layout.annotations].count("acknowledged alarm") == 2


def test_the_values_before_and_after_are_shares_of_their_own_number() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(0, 1, 1_000), rng.normal(1, 1, 50)
    figure = charts.drift_distribution(before, after, "Contrast")
    for trace, values in zip(figure.data, (before, after), strict=True):
        counts, _ = np.histogram(values, np.asarray(trace.x, float))
        assert np.asarray(trace.y, float)[:-1] == pytest.approx(counts / len(values))
        assert sum(trace.y[:-1]) == pytest.approx(1)


def test_values_that_are_all_equal_can_be_drawn() -> None:
    figure = charts.drift_distribution(np.ones(5), np.ones(3), "Confidence")
    assert max(figure.data[0].y) == max(figure.data[1].y) == 1


def test_bars_are_one_thing_or_two_side_by_side() -> None:
    alone = charts.drift_bars(["a", "b"], [0.7, 0.3], None, ["Evidence"])
    both = charts.drift_bars(["a", "b"], [0.7, 0.3], [0.1, 0.9], ["Before", "After"])
    assert [len(alone.data), len(both.data)] == [1, 2]
    assert list(both.data[1].x) == [0.1, 0.9]
