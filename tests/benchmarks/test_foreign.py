"""The figures of the benchmark of foreign images, of answers made by hand."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.nothing import PICTURES_OF_A_KIND, draw_all

if TYPE_CHECKING:
    from benchmarks.foreign import Answers

BICYCLE, MOTORCYCLE, OTHER = [0.95, 0.04, 0.01], [0.06, 0.93, 0.01], [0.01, 0.02, 0.97]
UNSURE, LESS_SURE = [0.7, 0.2, 0.1], [0.3, 0.6, 0.1]


def answers(*of: Any) -> Answers:
    """Imported when it is needed: each process that collects these tests would load PyTorch and SageMaker's SDK."""
    from benchmarks.foreign import Answers

    return Answers(*of)


@pytest.fixture
def model() -> Answers:
    known = np.array([BICYCLE, MOTORCYCLE, UNSURE, LESS_SURE, OTHER])
    foreign = np.array([OTHER, BICYCLE, OTHER, UNSURE])
    return answers(known, np.array([0, 1, 0, 0, 1]), foreign, np.array([OTHER, OTHER]), 2)


def test_an_answer_of_a_known_class_passes_from_the_threshold_on(model: Answers) -> None:
    assert model.passing(model.known, 0.93) == 2 / 5
    assert model.passing(model.foreign, 0.93) == 1 / 4


def test_an_answer_other_passes_at_no_threshold(model: Answers) -> None:
    assert model.passing(model.nothing, 0.0) == 0


def test_at_the_other_threshold_seven_tenths_of_the_known_images_pass(model: Answers) -> None:
    assert model.threshold_at_coverage == 0.6  # four of five: three would be less
    assert model.passing(model.foreign, model.threshold_at_coverage) == 2 / 4


def test_when_too_few_are_told_a_known_class_all_of_these_pass(model: Answers) -> None:
    mostly_other = answers(np.array([BICYCLE, OTHER]), np.array([0, 1]), model.foreign, model.nothing, 2)
    assert mostly_other.threshold_at_coverage == 0


def test_known_images_that_are_told_other_are_counted_apart_from_the_accuracy(model: Answers) -> None:
    assert model.called_other == 1 / 5
    assert model.accuracy == 4 / 5  # of the one told other, motorcycle was likelier


def test_without_the_class_nothing_is_told_other() -> None:
    two = np.array([[0.95, 0.05], [0.4, 0.6]])
    plain = answers(two, np.array([0, 0]), two, two, 2)
    assert (plain.called_other, plain.accuracy, plain.passing(two, 0.93)) == (0, 0.5, 0.5)


def test_pictures_of_nothing_are_the_same_each_time_and_of_each_kind_as_many() -> None:
    first, again = list(draw_all()), list(islice(draw_all(), 20))
    digests = [[hashlib.sha256(content).digest() for _kind, content in pictures] for pictures in (first, again)]
    assert digests[0][:20] == digests[1]
    kinds = [kind for kind, _content in first]
    assert {kinds.count(kind) for kind in kinds} == {PICTURES_OF_A_KIND}
    assert len(set(kinds)) == 3
