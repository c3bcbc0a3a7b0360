"""The Accuracy page: what is known of a window, what a sample tells as it is labelled, and what is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats
from streamlit.testing.v1 import AppTest

from backend import ground_truth, monitoring, review
from backend.accuracy import Counted, realised, realised_so_far
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource, Selection
from tests.backend.review.captured import BEGIN, LABELS, label_all, line, put
from tests.pages import cloud
from tests.pages.conftest import made_project
from tests.pages.visits import Visit, links, metrics, table, texts

PAGE = "accuracy"
RECORDS = 60
RNG = np.random.default_rng(3)
ANSWERED = RNG.integers(0, 2, RECORDS)
CONFIDENCE = RNG.uniform(0.55, 0.99, RECORDS).round(3)
TRUTH = np.where(RNG.random(RECORDS) < CONFIDENCE, ANSWERED, 1 - ANSWERED)
WINDOW = Selection(BEGIN, BEGIN + timedelta(seconds=RECORDS))


@pytest.fixture(scope="module")
def shared(environment: Environment) -> Iterator[tuple[Environment, CaptureSource]]:
    """A project with a source of 60 records, one a second, whose classes are named and of which no label is known."""
    for project in made_project(environment):
        put(project, [line(number, float(CONFIDENCE[number]), int(ANSWERED[number])) for number in range(RECORDS)])
        source = monitoring.add_source(project, f"s3://{project.bucket}/data_capture/{project.names.endpoint}", LABELS)
        monitoring.refresh_captures(project, source, entirely=True)
        yield project, source


def tell(project: Environment, numbers: range) -> None:
    """Write down what these records really are, as traffic does; nothing else stays known."""
    labels = {f"record-{number}": LABELS[TRUTH[number]] for number in numbers}
    ground_truth.write_labels(project, "traffic-1-00000", BEGIN, labels)


@pytest.fixture
def unknown(shared: tuple[Environment, CaptureSource]) -> tuple[Environment, CaptureSource]:
    """The same when nothing is known any more."""
    project, _ = shared
    for prefix in ("ground-truth/", "review/"):
        for key in cloud.keys(project, prefix):
            project.s3.delete_object(Bucket=project.bucket, Key=key)
    return shared


def open_page(visit: Visit, project: Environment, source: CaptureSource, **query: str) -> AppTest:
    app = visit(project, PAGE, source=source.url, refresh="off", **query)
    assert [element.value for element in app.error] == []
    return app


def of_window(selection: Selection) -> dict[str, str]:
    return {name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in (("from", selection.start), ("to", selection.end))}


def test_with_all_labels_the_accuracy_is_the_share_of_right_answers(
    visit: Visit, unknown: tuple[Environment, CaptureSource]
) -> None:
    project, source = unknown
    tell(project, range(RECORDS))
    app = open_page(visit, project, source)
    right = int(np.sum(ANSWERED == TRUTH))
    assert metrics(app)["Realised accuracy"] == f"{right / RECORDS:.1%}"
    exact = stats.binomtest(right, RECORDS).proportion_ci(method="exact")
    assert f"Of traffic like it, {exact.low:.1%} to {exact.high:.1%} with 95 % confidence." in texts(app)
    assert metrics(app)["Estimated accuracy"] == "withheld"
    assert "Which model answered these records is not known" in texts(app)
    rows = table(app, "recall")
    assert rows["label"] == list(LABELS)
    assert rows["images"] == [int(np.sum(index == TRUTH)) for index in (0, 1)]
    recall = [float(np.mean(ANSWERED[index == TRUTH] == index)) for index in (0, 1)]
    assert rows["recall"] == pytest.approx([100 * value for value in recall])
    found = stats.binomtest(int(np.sum((TRUTH == 0) & (ANSWERED == 0))), int(np.sum(TRUTH == 0)))
    assert rows["recall_within"][0] == "{0.low:.1%} to {0.high:.1%}".format(found.proportion_ci(method="exact"))
    assert "Calibration error" in metrics(app)


def test_a_cell_of_the_matrix_leads_to_its_images(visit: Visit, unknown: tuple[Environment, CaptureSource]) -> None:
    project, source = unknown
    tell(project, range(RECORDS))
    app = open_page(visit, project, source)
    key = next(element.key for element in app.get("plotly_chart") if element.proto.alt == "Confusion matrix")
    assert key is not None
    app.session_state[key] = {"selection": {"points": [{"customdata": ["cell", 0, 1]}]}}
    app.run()
    count = int(np.sum((TRUTH == 0) & (ANSWERED == 1)))
    assert f"**{count} records of bicycle, answered as motorcycle**" in texts(app)
    confidences = sorted(CONFIDENCE[(TRUTH == 0) & (ANSWERED == 1)].tolist(), reverse=True)
    assert [caption for image in app.image for caption in image.captions] == [f"{value:.3f}" for value in confidences]


def test_labels_of_some_records_are_no_accuracy_and_it_is_said_what_is_needed(
    visit: Visit, unknown: tuple[Environment, CaptureSource]
) -> None:
    project, source = unknown
    app = open_page(visit, project, source)
    assert metrics(app)["Realised accuracy"] == "not known"
    assert "No label is known" in texts(app)
    tell(project, range(30))
    app = open_page(visit, project, source)
    assert metrics(app)["Realised accuracy"] == "not known"
    assert "Labels of 30 of 60 records are known" in texts(app)
    assert "18 more records" in texts(app)
    tell(project, range(54))
    app = open_page(visit, project, source)
    right = int(np.sum(ANSWERED[:54] == TRUTH[:54]))
    assert metrics(app)["Realised accuracy"] == f"{right / 60:.1%} to {(right + 6) / 60:.1%}"


def counted(queue: review.Queue, numbers: set[int]) -> list[Counted]:
    """What the labels of these pictures amount to, by stratum."""
    strata = []
    for place, stratum in enumerate(queue.strata):
        items = [item for item in queue.items if item.stratum == place and item.number in numbers]
        right = sum(item.class_index == TRUTH[record_of(item)] for item in items)
        strata.append(Counted(stratum.size, len(items), int(right), stratum.expected))
    return strata


def record_of(item: review.Item) -> int:
    return int((item.inference_id or "").removeprefix("record-"))


def test_a_sample_is_drawn_of_the_window_and_tells_its_accuracy_as_labels_come(
    visit: Visit, unknown: tuple[Environment, CaptureSource]
) -> None:
    project, source = unknown
    app = open_page(visit, project, source, **of_window(WINDOW))
    assert "tell the accuracy within" in texts(app)
    [link] = [link for link in app.main.page_link if link.label == "Draw and label them"]
    wanted = dict(part.split("=", 1) for part in link.proto.query_string.split("&"))
    assert (wanted["kind"], wanted["limit"]) == ("sample", "50")
    queue = review.make_queue(project, source, review.Wish(review.Kind.SAMPLE, WINDOW, 20), LABELS, "Ada")
    desk = review.Desk(project, queue, "Ada")
    done = set()
    for item in queue.items[:8]:
        shown = desk.shown
        assert isinstance(shown, review.Shown)
        assert shown.item == item
        desk.label(item.number, LABELS[TRUTH[record_of(item)]])
        done.add(item.number)
    app = open_page(visit, project, source, **of_window(WINDOW))
    strata = counted(queue, done)
    expected = realised_so_far(strata)
    assert min(stratum.labelled for stratum in strata) == 0
    assert metrics(app)["Realised accuracy"] == f"{expected.low:.1%} to {expected.high:.1%}", "a value would be a guess"
    assert f"{expected.low:.1%} to {expected.high:.1%} with 95 % confidence, from 8 of 20 labels" in texts(app)
    while isinstance(shown := desk.shown, review.Shown):
        desk.label(shown.item.number, LABELS[TRUTH[record_of(shown.item)]])
    app = open_page(visit, project, source, **of_window(WINDOW))
    expected = realised(counted(queue, {item.number for item in queue.items}))
    assert metrics(app)["Realised accuracy"] == f"{expected.value:.1%}"
    assert f"{expected.low:.1%} to {expected.high:.1%} with 95 % confidence, from 20 of 20 labels" in texts(app)
    assert "Answered bicycle" in table(app, "Answered bicycle")


def test_labels_of_what_was_chosen_for_being_uncertain_are_never_averaged(
    visit: Visit, unknown: tuple[Environment, CaptureSource]
) -> None:
    project, source = unknown
    queue = review.make_queue(project, source, review.Wish(review.Kind.UNCERTAIN, WINDOW, 10), LABELS, "Ada")
    assert len(label_all(review.Desk(project, queue, "Ada"))) == 10
    app = open_page(visit, project, source, **of_window(WINDOW))
    assert metrics(app)["Realised accuracy"] == "not known"
    assert "Labels of 10 of 60 records are known" in texts(app)
    assert "Confusion matrix" not in [chart.proto.alt for chart in app.get("plotly_chart")]


def test_two_times_are_set_side_by_side(visit: Visit, unknown: tuple[Environment, CaptureSource]) -> None:
    project, source = unknown
    tell(project, range(RECORDS))
    app = open_page(visit, project, source, **of_window(WINDOW))
    rows = table(app, "Difference")
    assert rows[""] == ["Answered bicycle", "Answered motorcycle", "Mean confidence", "Realised accuracy"]
    halves = slice(0, 30), slice(30, 60)
    bicycles = [float(np.mean(ANSWERED[half] == 0)) for half in halves]
    accuracy = [float(np.mean((ANSWERED == TRUTH)[half])) for half in halves]
    assert rows["Difference"][0] == f"{100 * (bicycles[1] - bicycles[0]):+.1f}"
    assert rows["Difference"][3] == f"{100 * (accuracy[1] - accuracy[0]):+.1f}"
    assert rows["First"][3].startswith(f"{accuracy[0]:.1%} (")
    assert rows["Second"][3].startswith(f"{accuracy[1]:.1%} (")
    later = Selection(BEGIN + timedelta(seconds=30), BEGIN + timedelta(seconds=60))
    app = open_page(visit, project, source, **of_window(later))
    app.selectbox(key="accuracy.against").set_value("before").run()
    assert table(app, "Difference") == rows, "the same halves, as a time and as long a one before"
    assert "Estimated accuracy of the first: Which model answered" in texts(app)


def test_two_variants_are_set_side_by_side(visit: Visit, own: Environment) -> None:
    for variant, numbers in (("AllTraffic", range(30)), ("challenger", range(30, RECORDS))):
        lines = [line(number, float(CONFIDENCE[number]), int(ANSWERED[number])) for number in numbers]
        put(own, lines, variant=variant)
    source = monitoring.add_source(own, f"s3://{own.bucket}/data_capture/{own.names.endpoint}", LABELS)
    monitoring.refresh_captures(own, source, entirely=True)
    app = open_page(visit, own, source)
    assert "With variant challenger" not in app.selectbox(key="accuracy.against").options, "of which there are both"
    app = open_page(visit, own, source, variant="AllTraffic")
    app.selectbox(key="accuracy.against").set_value("challenger").run()
    rows = table(app, "Difference")
    bicycles = [float(np.mean(ANSWERED[half] == 0)) for half in (slice(30, 60), slice(0, 30))]
    assert rows["First"][0].startswith(f"{bicycles[0]:.1%} (")
    assert rows["Second"][0].startswith(f"{bicycles[1]:.1%} (")
    assert "First: 30 records of variant challenger" in texts(app)


def test_without_records_or_names_of_classes_it_is_said_what_is_needed(
    visit: Visit, unknown: tuple[Environment, CaptureSource]
) -> None:
    project, source = unknown
    app = visit(project, PAGE, refresh="off")  # the project's own source: it has neither images nor a workflow
    assert "have no names" in texts(app)
    nothing = Selection(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=2))
    app = open_page(visit, project, source, **of_window(nothing))
    assert "There is no record in this range" in texts(app)


def test_what_went_through_the_workflow_has_the_labels_of_the_dataset(visit: Visit, populated: Environment) -> None:
    """Of the test images: the folder of a key names the class."""
    app = visit(populated, PAGE, refresh="off")
    right = [is_right(record) for record in cloud.captured(populated) if "/test/" in record.attributes]
    assert metrics(app)["Realised accuracy"] == f"{np.mean(right):.1%}"
    assert "review" not in links(app) or metrics(app)["Estimated accuracy"] == "withheld"


def is_right(record: Any) -> bool:
    return bool(("bicycle", "motorcycle")[int(np.argmax(record.probabilities))] in record.attributes)
