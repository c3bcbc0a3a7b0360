"""Two people asked about each picture: that they are two, what holds where they differ, and how far they agree."""

from __future__ import annotations

import numpy as np
import pytest

from backend import review
from backend.aws.environment import Environment
from backend.evaluation import Proportion
from backend.review import Desk, Kind, Nothing, Progress, agreement
from tests.backend.review.captured import label_all, line, make_queue, opinions, put, truth


@pytest.fixture
def queue(project: Environment) -> review.Queue:
    put(project, [line(number, 0.5 + number / 10) for number in range(3)])
    return make_queue(project, Kind.UNCERTAIN, opinions=2)


def progress(project: Environment, queue: review.Queue) -> Progress:
    return Progress(queue, review.OPINIONS.of_queue(project, queue.queue_id))


def test_nobody_is_asked_twice_about_a_picture(project: Environment, queue: review.Queue) -> None:
    assert label_all(Desk(project, queue, "Ada")) == [1, 2, 3]
    assert Desk(project, queue, "Ada").shown == Nothing(0, 0)
    assert progress(project, queue).done == 0
    assert label_all(Desk(project, queue, "Ben")) == [1, 2, 3]
    assert progress(project, queue).done == 3
    assert progress(project, queue).reviewers == ("Ada", "Ben")
    assert len(opinions(project, queue)) == 6
    assert truth(project) == [(f"record-{number}", "bicycle") for number in range(3)]


def test_where_two_differ_nothing_is_known_until_a_third_person_decides(
    project: Environment, queue: review.Queue
) -> None:
    label_all(Desk(project, queue, "Ada"), "bicycle")
    ben = Desk(project, queue, "Ben")
    ben.label(1, "motorcycle")
    label_all(ben)
    assert [event for event, _ in truth(project)] == ["record-1", "record-2"]
    assert (progress(project, queue).done, progress(project, queue).disputed) == (2, 1)
    assert Desk(project, queue, "Ada").shown == Nothing(0, 0)
    assert label_all(Desk(project, queue, "Cleo"), "motorcycle") == [1]
    assert ("record-0", "motorcycle") in truth(project)
    assert (progress(project, queue).done, progress(project, queue).disputed) == (3, 0)
    said = [progress(project, queue).of(item.number) for item in queue.items]
    assert review.pairs(said) == [("bicycle", "motorcycle"), ("bicycle", "bicycle"), ("bicycle", "bicycle")]


def test_agreement_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(7)
    for size in (2, 5, 60, 400):
        first = rng.choice(["bicycle", "motorcycle", "other"], size, p=[0.5, 0.3, 0.2])
        second = np.where(rng.random(size) < 0.7, first, rng.permutation(first))
        second[0], first[0] = "bicycle", "motorcycle"  # never all alike
        found = agreement(list(zip(first.tolist(), second.tolist(), strict=True)))
        assert found.agreed.share == pytest.approx(metrics.accuracy_score(first, second))
        assert found.kappa == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_where_all_say_the_same_there_is_no_kappa() -> None:
    found = agreement([("bicycle", "bicycle")] * 3)
    assert (found.agreed, found.kappa) == (Proportion(3, 3), None)
    assert agreement([]).kappa is None
