"""Which records a queue has: those of its kind, in an order that makes sense, and what each stands for."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from backend import monitoring, review
from backend.aws.environment import Environment
from backend.errors import ReviewNotPossible
from backend.review import Kind
from backend.review.queue import list_queues, read_queue
from tests.backend.review.captured import BEGIN, EVER, LABELS, line, make_queue, put

CONFIDENCES = [0.55, 0.95, 0.65, 0.85, 0.75, 0.99]


@pytest.fixture
def captured(project: Environment) -> Environment:
    put(project, [line(number, confidence) for number, confidence in enumerate(CONFIDENCES)])
    return project


def names(queue: review.Queue) -> list[str | None]:
    return [item.inference_id for item in queue.items]


def test_rejected_are_the_newest_below_the_threshold(captured: Environment) -> None:
    queue = make_queue(captured, Kind.REJECTED, threshold=0.8)
    assert names(queue) == ["record-4", "record-2", "record-0"]


def test_uncertain_are_the_least_sure_first(captured: Environment) -> None:
    assert names(make_queue(captured, Kind.UNCERTAIN, limit=3)) == ["record-0", "record-2", "record-4"]


def test_a_drift_episode_has_the_records_of_its_time_in_another_order(captured: Environment) -> None:
    episode = monitoring.Selection(BEGIN + timedelta(seconds=2), BEGIN + timedelta(seconds=5))
    wish = review.Wish(Kind.DRIFT, episode, 10)
    queue = review.make_queue(captured, monitoring.project_source(captured), wish, LABELS, "Ada")
    assert sorted(map(str, names(queue))) == ["record-2", "record-3", "record-4"]


def test_only_a_samples_records_stand_for_others(captured: Environment) -> None:
    for kind in (Kind.REJECTED, Kind.UNCERTAIN, Kind.DRIFT):
        queue = make_queue(captured, kind, threshold=0.8)
        assert all(item.weight is None for item in queue.items)
        assert queue.strata == ()


def test_the_weights_of_a_sample_add_up_to_the_window(project: Environment) -> None:
    put(project, [line(number, 0.5 + number / 100) for number in range(48)])
    queue = make_queue(project, Kind.SAMPLE, limit=10)
    assert len(queue.items) == len(set(names(queue))) == 10
    assert sum(stratum.size for stratum in queue.strata) == 48
    assert math.isclose(math.fsum(item.weight or 0 for item in queue.items), 48)
    low_half = {f"record-{number}" for number in range(12)}
    assert all((item.stratum == 0) == (item.inference_id in low_half) for item in queue.items)


def test_a_queue_is_read_back_as_it_was_drawn(captured: Environment) -> None:
    first, second = make_queue(captured, Kind.UNCERTAIN), make_queue(captured, Kind.SAMPLE, limit=4)
    assert list_queues(captured) == [second, first]
    assert read_queue(captured, first.queue_id) == first


def test_where_there_is_nothing_to_label_it_is_said(captured: Environment) -> None:
    source = monitoring.project_source(captured)
    later = monitoring.Selection(EVER.end, EVER.end + timedelta(days=1))
    with pytest.raises(ReviewNotPossible, match="no such record"):
        review.make_queue(captured, source, review.Wish(Kind.SAMPLE, later, 10), LABELS, "Ada")
    with pytest.raises(ReviewNotPossible, match="no names"):
        review.make_queue(captured, source, review.Wish(Kind.SAMPLE, EVER, 10), (), "Ada")
