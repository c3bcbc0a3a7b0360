"""What a sample's labels say of its window, also where pictures were passed over."""

from __future__ import annotations

import pytest

from backend import review
from backend.aws.environment import Environment
from backend.review import Desk, Kind, Progress, Shown
from tests.backend.review.captured import line, make_queue, put


@pytest.fixture
def queue(project: Environment) -> review.Queue:
    """A sample that is its whole window: of ten answers the even ones are bicycle."""
    put(project, [line(number, 0.55 + number / 25, number % 2) for number in range(10)])
    return make_queue(project, Kind.SAMPLE)


def progress(project: Environment, queue: review.Queue) -> Progress:
    return Progress(queue, review.OPINIONS.of_queue(project, queue.queue_id))


def work(desk: Desk, skipping: int = 0) -> None:
    """Call everything a bicycle, but for the first so many."""
    while isinstance(shown := desk.shown, Shown):
        if shown.item.number <= skipping:
            desk.skip(shown.item.number)
        else:
            desk.label(shown.item.number, "bicycle")


def test_when_all_of_a_window_is_labelled_its_accuracy_is_known(project: Environment, queue: review.Queue) -> None:
    assert progress(project, queue).accuracy() is None
    work(Desk(project, queue, "Ada"))
    found = progress(project, queue).accuracy()
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_what_was_passed_over_may_be_anything(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    work(desk, skipping=2)
    assert progress(project, queue).passed_over() == [1, 2]
    right = sum(item.class_index == 0 for item in queue.items[2:])
    found = progress(project, queue).accuracy()
    assert found is not None
    assert [found.low, found.high] == pytest.approx([right / 10, (right + 2) / 10])
    assert found.covers(found.value)


def test_other_kinds_tell_no_accuracy(project: Environment, queue: review.Queue) -> None:
    uncertain = make_queue(project, Kind.UNCERTAIN)
    work(Desk(project, uncertain, "Ada"))
    assert progress(project, uncertain).accuracy() is None
