"""The Review page: what it offers, what it asks, and what becomes of what is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from backend import deployment, ground_truth, monitoring, review, workflow
from backend.aws.environment import Environment
from backend.evaluation import EvaluatedImage, Evaluation
from backend.evaluation.stored import evaluation_key, store_evaluation
from backend.pipeline.captures import wait_for_captures
from backend.review import Kind
from backend.workflow.inference_ids import inference_id
from pages.review.address import Request, read_request
from pages.shared import JobName
from pages.shared.reviewing import review_query
from tests.backend.review.captured import BEGIN, EVER, LABELS, line, make_queue, opinions, put, truth
from tests.pages import cloud
from tests.pages.conftest import made_project
from tests.pages.visits import Visit, click, errors, finish, metrics, texts

PAGE = "review"


@pytest.fixture(scope="module")
def shared(environment: Environment) -> Iterator[Environment]:
    """A project with eight captured records, whose queues are each test's own."""
    for project in made_project(environment):
        put(project, [line(number, 0.55 + number / 20, number % 2) for number in range(8)])
        yield project


def open_queue(visit: Visit, project: Environment, queue: review.Queue, name: str = "Ada") -> AppTest:
    app = visit(project, PAGE, queue=queue.queue_id)
    return type_name(app, name)


def type_name(app: AppTest, name: str) -> AppTest:
    app.text_input(key="review.reviewer").set_value(name).run()
    assert not app.exception
    return app


def progress(app: AppTest) -> str:
    [bar] = app.get("progress")
    return str(bar.proto.text)


def test_without_a_name_nobody_is_asked(visit: Visit, shared: Environment) -> None:
    queue = make_queue(shared, Kind.UNCERTAIN)
    app = visit(shared, PAGE, queue=queue.queue_id)
    assert "Type your name" in texts(app)
    assert "What is this?" not in texts(app)


def test_the_models_answer_is_shown_after_the_label_not_before(visit: Visit, shared: Environment) -> None:
    queue = make_queue(shared, Kind.UNCERTAIN)
    app = open_queue(visit, shared, queue)
    assert "What is this?" in texts(app)
    assert "The model said" not in texts(app)
    assert "0.55" not in texts(app)
    click(app, "motorcycle")
    assert "You said **motorcycle**" in texts(app)
    assert "The model said **bicycle** (0.550)" in texts(app)
    assert progress(app) == "1 of 8 pictures"
    [said] = opinions(shared, queue)
    assert (said["reviewer"], said["label"]) == ("Ada", "motorcycle")
    assert ("record-0", "motorcycle") in truth(shared)


def test_a_label_is_one_key(visit: Visit, shared: Environment) -> None:
    app = open_queue(visit, shared, make_queue(shared, Kind.UNCERTAIN))
    keys = {button.label: button.proto.shortcut for button in app.button if button.proto.shortcut}
    assert {name: keys[name] for name in (*LABELS, "other")} == {"bicycle": "1", "motorcycle": "2", "other": "3"}
    assert {name: keys[name] for name in ("Skip", "Undo", "Back", "Forth")} == {
        "Skip": "s",
        "Undo": "u",
        "Back": "left",
        "Forth": "right",
    }


def test_back_undo_and_skip(visit: Visit, shared: Environment) -> None:
    queue = make_queue(shared, Kind.UNCERTAIN, limit=3)
    app = open_queue(visit, shared, queue)
    click(app, "bicycle")
    click(app, "Back")
    assert "You said **bicycle**. Say something else" in texts(app)
    click(app, "other")
    click(app, "Undo")
    assert "You took back what you said." in texts(app)
    assert opinions(shared, queue)[0]["label"] is None
    click(app, "motorcycle")
    click(app, "Skip")
    click(app, "bicycle")
    assert progress(app) == "2 of 3 pictures"
    assert "You skipped 1 picture." in "\n".join(element.value for element in app.info)
    click(app, "Look again")
    click(app, "bicycle")
    assert progress(app) == "3 of 3 pictures"
    assert "You are through" in app.success[0].value


def test_a_sample_tells_how_often_the_model_is_right(visit: Visit, shared: Environment) -> None:
    app = open_queue(visit, shared, make_queue(shared, Kind.SAMPLE))
    for _ in range(8):
        click(app, "bicycle")
    assert metrics(app)["Right answers in this window"] == "50%"  # as every second one was answered so


def test_other_kinds_say_that_they_tell_nothing_of_all(visit: Visit, shared: Environment) -> None:
    app = open_queue(visit, shared, make_queue(shared, Kind.UNCERTAIN))
    click(app, "bicycle")
    assert "says nothing of the rest" in texts(app)
    assert "Right answers in this window" not in metrics(app)


def test_two_people_who_were_asked_see_how_far_they_agree(visit: Visit, shared: Environment) -> None:
    queue = make_queue(shared, Kind.UNCERTAIN, limit=2, opinions=2)
    app = open_queue(visit, shared, queue)
    click(app, "bicycle")
    click(app, "bicycle")
    app = open_queue(visit, shared, queue, "Ben")
    click(app, "bicycle")
    click(app, "motorcycle")
    assert metrics(app)["Two people agree on"] == "50%"
    assert "A third person is to decide about 1 picture." in texts(app)
    assert "Labelled by Ada and Ben." in texts(app)


def test_a_queue_is_drawn_as_an_address_asks_for_it(visit: Visit, shared: Environment) -> None:
    source = monitoring.add_source(shared, f"s3://{shared.bucket}/data_capture/{shared.names.endpoint}", LABELS)
    monitoring.refresh_captures(shared, source, entirely=True)
    try:
        window = monitoring.Selection(BEGIN, BEGIN.replace(second=5))
        app = visit(shared, PAGE, **review_query(Kind.UNCERTAIN, window, 2, source.url))
        type_name(app, "Ada")
        click(app, "Start")
        assert errors(app) == []
        queue = review.read_queue(shared, app.query_params["queue"])
        assert queue is not None
        assert (queue.kind, queue.source, queue.made_by) == (Kind.UNCERTAIN, source.url, "Ada")
        assert [item.inference_id for item in queue.items] == ["record-0", "record-1"]
        assert "kind" not in app.query_params
        assert "What is this?" in texts(app)
    finally:
        monitoring.remove_source(shared, source)


def test_classes_without_names_cannot_be_asked_about(visit: Visit, shared: Environment) -> None:
    """This project has neither images nor a workflow that would name them."""
    app = type_name(visit(shared, PAGE, kind="sample"), "Ada")
    click(app, "Start")
    assert any("have no names" in error for error in errors(app))


def test_an_address_that_cannot_be_meant_is_said_to_be_none(visit: Visit, shared: Environment) -> None:
    app = visit(shared, PAGE, kind="everything")
    assert any("cannot be" in element.value for element in app.warning)


def test_an_address_is_read_as_it_was_written() -> None:
    selection = monitoring.Selection(EVER.start, EVER.end, "scones", "blue")
    read = read_request(review_query(Kind.DRIFT, selection, 50))
    assert read == Request(Kind.DRIFT, EVER.start, EVER.end, 50, endpoint="scones", variant="blue")


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "all"},
        {"kind": "sample", "limit": "0"},
        {"kind": "sample", "limit": "5000"},
        {"kind": "sample", "from": "2026-01-01"},
        {"kind": "sample", "from": "2026-01-02", "to": "2026-01-01"},
        {"kind": "sample", "from": "0001-01-01", "to": "2026-01-01"},
        {"kind": "sample", "opinions": "3"},
    ],
)
def test_what_no_queue_can_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        read_request(query)


def test_times_without_a_zone_are_utc() -> None:
    read = read_request({"kind": "sample", "from": "2026-01-01T10:00", "to": "2026-01-01T12:00:00+01:00"})
    assert (read.start, read.end) == (datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC))


def test_labels_that_came_from_elsewhere_count_for_the_promise(visit: Visit, populated: Environment) -> None:
    """Those of pictures that the evaluation did not have: one of the test images is left out of it here."""
    key, *others = sorted(cloud.keys_of_test_images(populated))
    [asked] = workflow.run_batch(populated, [key])  # by the model that serves now
    wait_for_captures(populated, [inference_id(asked.name)])
    endpoint, at = deployment.describe_endpoint(populated), datetime.now(UTC)
    assert endpoint is not None
    assert endpoint.training_job is not None
    images = tuple(EvaluatedImage(other, "test", 0, (0.9, 0.1), other) for other in others)
    evaluation = Evaluation(endpoint.training_job, "any", LABELS, is_untouched=True, evaluated_at=at, images=images)
    store_evaluation(populated, evaluation)
    ground_truth.write_labels(populated, "warehouse", at, {inference_id(asked.name): "bicycle"})
    try:
        app = visit(populated, "evaluation")
        app.selectbox(key="evaluation.job").set_value(evaluation.job).run()
        counted = f"Counted beside the {len(others)} test images of known classes: 1 labelled record"
        assert counted in texts(app)
    finally:
        ground_truth.delete_labels(populated, "warehouse", at)
        populated.s3.delete_object(Bucket=populated.bucket, Key=evaluation_key(evaluation.job))


def test_what_was_labelled_can_be_staged_and_the_page_says_so(
    visit: Visit, own: Environment, small_sample: None
) -> None:
    put(own, [line(0, 0.6)])
    app = open_queue(visit, own, make_queue(own, Kind.UNCERTAIN))
    click(app, "bicycle")
    app = visit(own, "data_staging")
    assert "Labelled until now: 1 bicycle." in texts(app)
    app.button_group(key="data_staging.source").set_value("Offline sample").run()
    app.toggle(key="data_staging.reviewed").set_value(True).run()
    click(app, "Stage images")
    finish(app, JobName.STAGING)
    assert "Reviewed pictures among the train images: 1 bicycle." in texts(app)
    [learned] = [key for key in cloud.keys(own, "datasets/") if "reviewed." in key]
    assert learned.endswith("/train/reviewed.record-0.png")
