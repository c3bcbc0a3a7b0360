"""Steps of time made longer: nothing is lost, and nothing is counted twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from backend.monitoring import EDGES, Selection, Summary

START = datetime(2026, 1, 2, tzinfo=UTC)


def summary(steps: int) -> Summary:
    """As many hours, of which each has one record more than the one before, all in one bin and of no known class."""
    counts = np.zeros((steps, len(EDGES)), np.int64)
    counts[:, 7] = np.arange(steps)
    selection = Selection(START, START + steps * timedelta(hours=1))
    return Summary(selection, timedelta(hours=1), counts, counts, (3,), counts[:, 7:8], pd.DataFrame())


@pytest.mark.parametrize(
    ("steps", "most", "records"),
    [(6, 3, [1, 5, 9]), (7, 3, [3, 12, 6]), (4, 4, [0, 1, 2, 3]), (3, 60, [0, 1, 2]), (5, 1, [10])],
)
def test_steps_are_added_up(steps: int, most: int, records: list[int]) -> None:
    merged = summary(steps).merged(most)
    assert merged.counts.sum(axis=1).tolist() == records
    assert merged.class_counts[:, 0].tolist() == records
    assert merged.records == summary(steps).records
    assert merged.unknown.sum(axis=1).tolist() == records


def test_longer_steps_begin_where_their_first_one_did() -> None:
    merged = summary(7).merged(3)
    assert merged.step == timedelta(hours=3)
    assert list(merged.times()) == [START, START + timedelta(hours=3), START + timedelta(hours=6)]
