"""People at a queue: what each is shown, what becomes of what they say, and that they are not in each other's way."""

from __future__ import annotations

import json
import threading
from concurrent import futures
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import review
from backend.aws.environment import Environment
from backend.errors import AccessDenied, LabelRefused
from backend.ground_truth import GroundTruth
from backend.review import Desk, Kind, Nothing, Shown, claims
from backend.review.opinions import Opinions, mend_truth
from tests import answers
from tests.backend.review.captured import label_all, line, make_queue, opinions, picture, put, truth


@pytest.fixture
def queue(project: Environment) -> review.Queue:
    put(project, [line(number, 0.5 + number / 10) for number in range(4)])
    return make_queue(project, Kind.UNCERTAIN)


def at(desk: Desk) -> int:
    assert isinstance(desk.shown, Shown)
    return desk.shown.item.number


def settled(desk: Desk) -> Desk:
    """The desk, once it has its next picture too."""
    if desk._after is not None:
        futures.wait([desk._after])
    return desk


def test_the_picture_is_shown_as_it_was_captured(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    assert isinstance(desk.shown, Shown)
    assert desk.shown.captured.image == picture(0)
    assert desk.shown.said is None
    assert desk.last is None


def test_a_label_is_kept_with_who_when_and_why_and_stands_as_ground_truth(
    project: Environment, queue: review.Queue
) -> None:
    desk, before = Desk(project, queue, "Ada"), datetime.now(UTC)
    desk.label(1, "motorcycle")
    [said] = opinions(project, queue)
    assert (said["item"], said["reviewer"], said["label"], said["kind"]) == (1, "Ada", "motorcycle", "uncertain")
    assert (said["inference_id"], said["image_key"], said["weight"]) == ("record-0", "uploads/0.png", None)
    assert before <= datetime.fromisoformat(said["labelled_at"]) <= datetime.now(UTC)
    assert GroundTruth().labels(project, ["record-0"]) == {"record-0": "motorcycle"}
    assert desk.last is not None
    assert desk.last.captured.probabilities == (0.5, 0.5)
    assert at(desk) == 2


def test_a_sample_keeps_its_weights_beside_its_labels(project: Environment) -> None:
    put(project, [line(number, 0.5 + number / 20) for number in range(8)])
    queue = make_queue(project, Kind.SAMPLE, limit=4)
    label_all(Desk(project, queue, "Ada"))
    assert [said["weight"] for said in opinions(project, queue)] == [item.weight for item in queue.items]


def test_a_press_that_was_meant_for_a_picture_before_is_passed_over(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    desk.label(1, "bicycle")
    desk.label(1, "motorcycle")
    desk.skip(1)
    assert truth(project) == [("record-0", "bicycle")]
    assert at(desk) == 2


def test_what_was_skipped_comes_again_when_it_is_asked_for(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    desk.skip(1)
    desk.skip(2)
    assert label_all(desk) == [3, 4]
    assert desk.shown == Nothing(elsewhere=0, passed_over=2)
    desk.look_again()
    assert label_all(desk) == [1, 2]


def test_what_was_undone_is_no_ground_truth_and_is_asked_for_again(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    desk.label(1, "bicycle")
    desk.undo()
    assert truth(project) == []
    assert at(desk) == 1
    desk.label(1, "motorcycle")
    assert truth(project) == [("record-0", "motorcycle")]
    [said] = opinions(project, queue)
    assert (said["label"], said["first_label"]) == ("motorcycle", "bicycle")
    assert at(desk) == 2


def test_looking_back_shows_what_was_said_which_can_be_changed(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    desk.label(1, "bicycle")
    desk.label(2, "bicycle")
    desk.back()
    desk.back()
    assert isinstance(desk.shown, Shown)
    assert (at(desk), desk.shown.said) == (1, "bicycle")
    desk.label(1, "other")
    assert at(desk) == 2
    desk.forth()
    assert at(desk) == 3
    assert sorted(truth(project)) == [("record-0", "other"), ("record-1", "bicycle")]


def test_a_record_without_inference_id_goes_by_sagemakers_own_event_id(project: Environment) -> None:
    """Source: SageMaker developer guide, "Ingest Ground Truth labels and merge them with predictions"."""
    put(project, [line(0, 0.5, eventMetadata__inferenceId=None)])
    Desk(project, make_queue(project, Kind.UNCERTAIN), "Ada").label(1, "bicycle")
    assert truth(project) == [("event-0", "bicycle")]


def test_a_picture_that_was_not_captured_cannot_be_labelled(project: Environment) -> None:
    put(project, [line(0, 0.5, captureData__endpointInput__data="bm8="), line(1, 0.6)])
    desk = Desk(project, make_queue(project, Kind.UNCERTAIN), "Ada")
    assert isinstance(desk.shown, Shown)
    assert desk.shown.captured.problem
    desk.label(1, "bicycle")
    assert (at(desk), truth(project)) == (1, [])
    desk.skip(1)
    assert at(desk) == 2


def test_two_people_are_never_shown_the_same(project: Environment, queue: review.Queue) -> None:
    ada = settled(Desk(project, queue, "Ada"))
    ben = settled(Desk(project, queue, "Ben"))
    assert (at(ada), at(ben)) == (1, 3)  # the second is at Ada's already, and the fourth at Ben's
    ada.label(1, "bicycle")
    assert at(ada) == 2
    ada.label(2, "bicycle")
    assert ada.shown == Nothing(elsewhere=2, passed_over=0)
    ben.leave()
    ada.look_again()
    assert label_all(ada) == [3, 4]


def test_what_somebody_left_is_given_to_others_once_the_lease_is_over(
    project: Environment, queue: review.Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(0))
    left = Desk(project, queue, "Ada")
    assert label_all(Desk(project, queue, "Ben")) == [1, 2, 3, 4]
    with pytest.raises(LabelRefused):
        left.label(1, "motorcycle")
    assert {label for _, label in truth(project)} == {"bicycle"}
    assert len(opinions(project, queue)) == 4


def test_what_a_session_that_was_killed_had_comes_back_to_the_same_person(
    project: Environment, queue: review.Queue
) -> None:
    Desk(project, queue, "Ada").label(1, "bicycle")
    assert label_all(Desk(project, queue, "Ada")) == [4, 2, 3]


def test_of_many_at_once_each_picture_is_labelled_by_one(project: Environment) -> None:
    put(project, [line(number, 0.5 + number / 100) for number in range(24)])
    queue, desks = make_queue(project, Kind.UNCERTAIN), list[list[int]]()

    def sit(name: str) -> None:
        desks.append(label_all(Desk(project, queue, name)))

    people = [threading.Thread(target=sit, args=(f"Person {number}",)) for number in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert sorted(number for desk in desks for number in desk) == list(range(1, 25))
    assert sorted(truth(project)) == sorted((f"record-{number}", "bicycle") for number in range(24))
    assert len(opinions(project, queue)) == 24


def test_a_label_that_the_bucket_does_not_take_is_told_and_the_picture_stays(
    project: Environment, queue: review.Queue
) -> None:
    desk = Desk(project, queue, "Ada")
    with answers.changed(project.s3, "PutObject", answers.denied), pytest.raises(AccessDenied):
        desk.label(1, "bicycle")
    assert at(desk) == 1


def test_a_next_picture_that_cannot_be_looked_for_is_no_end(project: Environment, queue: review.Queue) -> None:
    desk = Desk(project, queue, "Ada")
    with answers.changed(project.s3, "ListObjectsV2", answers.denied), pytest.raises(AccessDenied):
        while True:
            desk.look_again()
    assert isinstance(desk.shown, Nothing)
    assert desk.shown.is_unknown
    desk.look_again()
    assert sorted(label_all(desk)) == [1, 2, 3, 4]


def test_ground_truth_that_a_crash_left_out_is_written_when_the_queue_is_opened(
    project: Environment, queue: review.Queue
) -> None:
    """A crash after each write of an opinion: of a label, of another one, and of one that was taken back."""
    desk = Desk(project, queue, "Ada")
    for number in (1, 2, 3):
        desk.label(number, "bicycle")
    project.s3.delete_object(Bucket=project.bucket, Key=_truth_keys(project)[0])
    _change(project, queue, 2, "motorcycle")
    _change(project, queue, 3, None)
    Desk(project, queue, "Ben")
    assert truth(project) == [("record-0", "bicycle"), ("record-1", "motorcycle")]
    assert mend_truth(project, queue, Opinions().of_queue(project, queue.queue_id)) == 0


def test_ground_truth_follows_an_opinion_that_another_person_changes_at_the_same_moment(
    project: Environment, queue: review.Queue
) -> None:
    """It is changed while the ground truth of what it was is on its way."""
    desk, changed = Desk(project, queue, "Ada"), list[str]()

    def change(params: dict[str, Any], **_: Any) -> None:
        if "/ground-truth/" in params["url_path"] and not changed:
            changed.append(params["url_path"])
            _change(project, queue, 1, "motorcycle")

    event = "before-call.s3.PutObject"
    project.s3.meta.events.register(event, change)
    try:
        desk.label(1, "bicycle")
    finally:
        project.s3.meta.events.unregister(event, change)
    assert changed
    assert truth(project) == [("record-0", "motorcycle")]


def _truth_keys(project: Environment) -> list[str]:
    there = project.s3.list_objects_v2(Bucket=project.bucket, Prefix="ground-truth/")
    return [item["Key"] for item in there["Contents"]]


def _change(project: Environment, queue: review.Queue, item: int, label: str | None) -> None:
    """What is kept of an opinion, changed behind the app's back."""
    key = f"review/{queue.queue_id}/opinions/{item:05d}-1.json"
    said = json.loads(project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read())
    content = json.dumps(said | {"label": label, "changed_at": said["labelled_at"]}).encode()
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=content)


def test_what_this_process_was_told_is_known_though_a_listing_began_before(
    project: Environment, queue: review.Queue
) -> None:
    said, desk = Opinions(), Desk(project, queue, "Ada")
    desk.label(1, "bicycle")
    [kept] = said.of_queue(project, queue.queue_id)[1]

    def tell(_parsed: dict[str, Any]) -> None:
        said.note(queue.queue_id, replace(kept, opinion=replace(kept.opinion, item=2)))

    with answers.changed(project.s3, "ListObjectsV2", tell):
        assert set(said.of_queue(project, queue.queue_id)) == {1, 2}
    assert set(said.of_queue(project, queue.queue_id, seconds=60)) == {1, 2}
    assert set(said.of_queue(project, queue.queue_id)) == {1}  # it was not there after all


def test_what_others_were_told_is_known_after_the_seconds_that_are_allowed(
    project: Environment, queue: review.Queue
) -> None:
    said = Opinions()
    assert said.of_queue(project, queue.queue_id) == {}
    Desk(project, queue, "Ada").label(1, "bicycle")
    assert said.of_queue(project, queue.queue_id, seconds=60) == {}
    assert set(said.of_queue(project, queue.queue_id)) == {1}
