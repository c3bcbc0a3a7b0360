"""What the labels of a sample say, whoever has been passed over, and of which window."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.accuracy import Counted, realised, realised_so_far
from backend.quality import sample_of, sampled, sampled_shares
from backend.quality.window import UNKNOWN
from tests.backend.quality.windows import HOUR, sample, window

ANSWERS = [(0, 0), (1, 0), (0, 0), (1, 0)]
BICYCLES = dict.fromkeys(range(1, 5), "bicycle")


def test_an_unfinished_sample_may_be_looked_at_after_each_label() -> None:
    found = sampled(sample([60, 40], ANSWERS, {1: "bicycle"}))
    assert found is not None
    assert (found.is_complete, found.has_value) == (False, False)
    two = sampled(sample([60, 40], ANSWERS, {1: "bicycle", 2: "bicycle"}))
    assert two is not None
    assert two.has_value, "each stratum has a label"
    assert found.interval == realised_so_far([Counted(60, 1, 1, 0.8), Counted(40, 0, 0, 0.8)])


def test_a_finished_one_has_the_interval_of_a_number_fixed_beforehand() -> None:
    found = sampled(sample([60, 40], ANSWERS, BICYCLES | {3: "other"}))
    assert found is not None
    assert (found.is_complete, found.labelled, found.total) == (True, 4, 4)
    assert found.interval == realised([Counted(60, 2, 1, 0.8), Counted(40, 2, 2, 0.8)])


def test_what_nobody_could_tell_may_be_anything() -> None:
    found = sampled(sample([60, 40], ANSWERS, {1: "bicycle", 2: "bicycle", 4: "bicycle"}))
    assert found is not None
    assert (found.is_complete, found.labelled, found.passed_over) == (True, 3, 1)
    worst = realised([Counted(60, 2, 1, 0.8), Counted(40, 2, 2, 0.8)])
    best = realised([Counted(60, 2, 2, 0.8), Counted(40, 2, 2, 0.8)])
    assert (found.interval.low, found.interval.high) == (worst.low, best.high)
    assert worst.low <= found.interval.value <= best.high


def test_the_shares_of_what_is_taken_for_what_are_weighted_by_strata() -> None:
    progress = sample([60, 40], [(0, 0), (1, 0), (0, 1), (1, 0)], BICYCLES | {2: "other"})
    shares = sampled_shares(progress)
    assert shares is not None
    assert [[cell.value for cell in row] for row in shares] == [
        pytest.approx([0.6 / 2 + 0.4 / 2, 0.6 / 2, 0]),
        [0, 0, 0],
        pytest.approx([0.4 / 2, 0, 0]),
    ]
    assert shares[2][0] == realised([Counted(60, 2, 0, 0.8), Counted(40, 2, 1, 0.8)])
    assert sampled_shares(sample([60, 40], ANSWERS, {})) is None


def test_without_a_label_nothing_is_said() -> None:
    assert sampled(sample([60, 40], ANSWERS, {})) is None


def test_a_sample_is_of_the_window_that_it_was_drawn_of() -> None:
    progress = sample([60, 40], ANSWERS, {})
    hundred = window([0] * 100, [UNKNOWN] * 100)
    assert sample_of(hundred, [progress]) is progress
    later = replace(HOUR, end=HOUR.end + timedelta(seconds=1))
    for another in (
        window([0] * 101, [UNKNOWN] * 101),  # a record came late
        replace(hundred, selection=later),
        replace(hundred, streams=(("scones", "challenger"),)),
    ):
        assert sample_of(another, [progress]) is None


def test_of_two_samples_the_one_with_more_labels_counts() -> None:
    newer, older = sample([60, 40], ANSWERS, {1: "bicycle"}), sample([60, 40], ANSWERS, BICYCLES)
    assert sample_of(window([0] * 100, [UNKNOWN] * 100), [newer, older]) is older
