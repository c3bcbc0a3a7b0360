"""Which labels count for the promise of a threshold: those that say something of all the traffic, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from backend import deployment, ground_truth, review
from backend.accuracy import draw_sample
from backend.aws.environment import Environment
from backend.deployment.variants import Origin, Variant
from backend.evaluation import Candidates, EvaluatedImage, Evaluation
from backend.ground_truth import GroundTruth
from backend.review import Desk, Kind, Progress, Shown
from backend.review.promise import Answered, labelled_candidates, of_sample
from tests.backend.review.captured import BEGIN, label_all, line, make_queue, put

JOB = "the-job"
EVALUATION = Evaluation(
    JOB,
    "dataset",
    ("bicycle", "motorcycle"),
    is_untouched=True,
    evaluated_at=datetime(2026, 1, 1, tzinfo=UTC),
    images=(EvaluatedImage("a.png", "test", 0, (0.9, 0.1), key="uploads/3.png"),),
)


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch, project: Environment) -> Environment:
    """A project whose endpoint has served the job's model since before the first record."""
    variant = Variant("AllTraffic", False, "m", Origin(training_job=JOB), None, 1, 1.0, 1.0)
    endpoint = deployment.Endpoint(project.names.endpoint, "InService", None, BEGIN, "c", (variant,), 100, None)
    monkeypatch.setattr(deployment, "describe_endpoint", lambda _environment: endpoint)
    return project


def count(project: Environment, job: str = JOB) -> review.Counting:
    return labelled_candidates(project, replace(EVALUATION, job=job), GroundTruth())


@pytest.mark.parametrize("kind", [Kind.UNCERTAIN, Kind.REJECTED, Kind.DRIFT])
def test_labels_of_a_queue_that_was_chosen_for_something_never_count(serving: Environment, kind: Kind) -> None:
    put(serving, [line(number, 0.6 + number / 50) for number in range(10)])
    label_all(Desk(serving, make_queue(serving, kind, threshold=1.0), "Ada"))
    assert count(serving).candidates.images == 0


def test_labels_of_a_sample_of_all_count_but_for_the_evaluations_own_pictures(serving: Environment) -> None:
    put(serving, [line(number, 0.6 + number / 50, number % 2) for number in range(10)])
    label_all(Desk(serving, make_queue(serving, Kind.SAMPLE), "Ada"))
    found = count(serving)
    assert (found.sampled, found.passed_over, found.elsewhere) == (9, 0, 0)
    assert sorted(found.candidates.confidence) == pytest.approx([0.6 + n / 50 for n in range(10) if n != 3])
    assert found.candidates.is_right.sum() == 5  # of 0, 2, 4, 6, 8, answered bicycle; and 3 is the test set's
    assert count(serving, "another-job").candidates.images == 0


def test_a_record_that_was_drawn_twice_counts_once(serving: Environment) -> None:
    put(serving, [line(number, 0.6 + number / 50) for number in range(3)])
    for _ in range(2):
        label_all(Desk(serving, make_queue(serving, Kind.SAMPLE), "Ada"))
    assert count(serving).candidates.images == 3


def test_a_picture_that_was_passed_over_counts_as_a_mistake(serving: Environment) -> None:
    put(serving, [line(number, 0.6 + number / 50) for number in range(3)])
    desk = Desk(serving, make_queue(serving, Kind.SAMPLE), "Ada")
    assert isinstance(desk.shown, Shown)
    desk.skip(1)
    assert count(serving).candidates.images == 0  # none is labelled behind it
    desk.label(2, "bicycle")
    found = count(serving)
    assert (found.sampled, found.passed_over) == (2, 1)
    assert found.candidates.is_right.tolist().count(False) == 1


def test_what_was_said_before_the_answer_was_seen_counts(serving: Environment) -> None:
    put(serving, [line(0, 0.9)])
    desk = Desk(serving, make_queue(serving, Kind.SAMPLE), "Ada")
    desk.label(1, "motorcycle")
    desk.back()
    desk.label(1, "bicycle")
    assert count(serving).candidates.is_right.tolist() == [False]


def test_foreign_pictures_are_no_candidates_as_in_the_test_set(serving: Environment) -> None:
    put(serving, [line(0, 0.9), line(1, 0.95)])
    desk = Desk(serving, make_queue(serving, Kind.SAMPLE), "Ada")
    desk.label(1, "other")
    desk.label(2, "bicycle")
    assert count(serving).candidates.images == 1


def test_labels_from_elsewhere_count_as_they_come_and_those_of_traffic_do_not(serving: Environment) -> None:
    put(serving, [line(number, 0.6 + number / 50) for number in range(6)])
    at = datetime(2026, 1, 3, tzinfo=UTC)
    ground_truth.write_labels(serving, "warehouse", at, {"record-0": "bicycle", "record-1": "motorcycle", "gone": "x"})
    ground_truth.write_labels(serving, "traffic-1", at, {"record-2": "bicycle"})
    label_all(Desk(serving, make_queue(serving, Kind.UNCERTAIN), "Ada"))
    found = count(serving)
    assert (found.elsewhere, found.sampled) == (2, 0)
    assert found.candidates.is_right.tolist().count(True) == 1


def test_what_counts_of_a_sample_is_like_its_window(project: Environment) -> None:
    """Strata of which more was drawn are thinned: over many draws each part of the window counts as much."""
    shares = np.zeros(4)
    for seed in range(400):
        queue = _drawn(seed)
        kept = [item.confidence for item in _kept(queue)]
        shares += np.histogram(kept, [0.0, 0.25, 0.5, 0.75, 1.0])[0]
    shares /= shares.sum()
    expected = 0.25  # of a window in which all confidences are as frequent
    deviation = np.sqrt(expected * (1 - expected) / (400 * 40))
    assert np.all(np.abs(shares - expected) < 4 * deviation), shares


def test_joined_with_the_test_set_they_are_its_candidates_and_more() -> None:
    own = Candidates.of(EVALUATION)
    more = Candidates(np.array([0.7]), np.array([False]), 2)
    assert own.joined(more).images == 3


def _drawn(seed: int) -> review.Queue:
    rng = np.random.default_rng(seed)
    confidence = np.arange(400) / 400
    drawn = draw_sample(confidence, 60, rng)
    stratum_of = {place: number for number, stratum in enumerate(drawn.strata) for place in stratum.places}
    items = tuple(
        review.Item(
            number=number,
            key="k",
            etag="e",
            offset=place,
            length=1,
            position=0,
            time=BEGIN,
            endpoint="e",
            variant="v",
            class_index=0,
            confidence=float(confidence[place]),
            weight=100 / len(drawn.strata[stratum_of[place]].places),
            stratum=stratum_of[place],
            job=JOB,
        )
        for number, place in enumerate(drawn.order, start=1)
    )
    return review.Queue(f"queue-{seed}", Kind.SAMPLE, BEGIN, "Ada", "s3://b/", BEGIN, BEGIN, ("a", "b"), items)


def _kept(queue: review.Queue) -> Iterator[Answered]:
    class Labelled(Progress):
        def labels(self) -> dict[int, str]:
            return {item.number: "a" for item in self.queue.items}

    return of_sample(Labelled(queue, {}), JOB)
