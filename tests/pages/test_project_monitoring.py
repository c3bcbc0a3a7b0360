"""Monitoring of a project in which everything exists: the records as its capture files have them, and its threshold."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from backend.aws.environment import Environment
from tests.pages import cloud
from tests.pages.monitored import HISTOGRAM, OVER_TIME, PAGE, counts, figures, points, wall
from tests.pages.visits import Visit, click, metrics
from tests.projects import await_captured


@pytest.fixture(scope="module", autouse=True)
def delivered(populated: Environment) -> None:
    """What other tests sent a moment ago is captured and read: else it would come between two looks at it."""
    await_captured(populated)


def test_the_records_are_those_of_the_capture_files(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    records = cloud.captured(populated)
    assert metrics(app)["Records"] == str(len(records))
    assert set(points(app)) == {record.inference_id for record in records}


def test_the_share_that_passes_goes_by_the_lambdas_threshold(visit: Visit, populated: Environment) -> None:
    records, threshold = cloud.captured(populated), cloud.threshold(populated)
    share = sum(record.confidence >= threshold for record in records) / len(records)
    assert metrics(visit(populated, PAGE))[f"Pass rate at {threshold:g}"] == f"{share:.1%}"


def test_what_would_pass_at_another_threshold_stands_beside_what_passes(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.number_input(key="monitoring.what_if_number").set_value(0.75).run()
    assert not app.exception
    records, threshold = cloud.captured(populated), cloud.threshold(populated)
    share = sum(record.confidence >= 0.75 for record in records) / len(records)
    assert metrics(app)["What if 0.75"] == f"{share:.1%}"
    assert f"Pass rate at {threshold:g}" in metrics(app)
    assert app.query_params["threshold"] == "0.75"
    lines = [shape["y0"] for shape in figures(app)[OVER_TIME]["layout"]["shapes"]]
    assert lines == [threshold, 0.75]
    assert cloud.threshold(populated) == threshold


def test_the_lowest_confidences_come_first(visit: Visit, populated: Environment) -> None:
    confidences = sorted(record.confidence for record in cloud.captured(populated))
    assert wall(visit(populated, PAGE)) == [f"{confidence:.3f}" for confidence in confidences[:24]]


def test_the_newest_rejects_are_below_the_threshold(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE, threshold="0.9")
    app.button_group(key="monitoring.wall").set_value("Newest rejects").run()
    threshold = cloud.threshold(populated)
    below = sorted(record.confidence for record in cloud.captured(populated) if record.confidence < threshold)
    assert sorted(wall(app)) == [f"{confidence:.3f}" for confidence in below][-24:]


def test_a_random_sample_is_of_the_records(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.button_group(key="monitoring.wall").set_value("Random sample").run()
    click(app, "Draw again")
    confidences = [f"{record.confidence:.3f}" for record in cloud.captured(populated)]
    assert wall(app)
    assert set(wall(app)) <= set(confidences)


def test_images_have_their_true_class(visit: Visit, populated: Environment) -> None:
    captions = [element.value for element in visit(populated, PAGE).main.caption]
    labels = ("bicycle", "motorcycle")
    named = [caption for caption in captions if caption.startswith(labels)]
    drawn = [record for record in cloud.captured(populated) if "_drawn_" in record.attributes]
    true = [PurePosixPath(record.attributes).name.split("_")[0] for record in drawn]
    wrong = [caption for caption in named if ":red[is " in caption]
    right = [caption for caption in named if caption.endswith(":material/check:")]
    predicted = [labels[record.probabilities.index(record.confidence)] for record in drawn]
    assert len(right) == sum(label == truth for label, truth in zip(predicted, true, strict=True))
    assert len(wrong) == sum(label != truth for label, truth in zip(predicted, true, strict=True))


def test_a_record_that_was_clicked_shows_its_image_its_answer_and_its_execution(
    visit: Visit, populated: Environment
) -> None:
    app = visit(populated, PAGE)
    record = next(record for record in cloud.captured(populated) if "_drawn_" in record.inference_id)
    app.session_state["monitoring.record"] = points(app)[record.inference_id]
    app.run()
    assert metrics(app)["Confidence"] == f"{record.confidence:.3f}"
    assert metrics(app)["True class"] == record.inference_id.split("_")[0]
    [link] = (link for link in app.page_link if link.page == "test_images" and "Execution" in link.label)
    assert record.inference_id in link.label.replace("`", "")


def test_with_a_workflow_its_threshold_is_drawn_in_each_chart(visit: Visit, populated: Environment) -> None:
    """Against which it is held that a project without a workflow shows none."""
    shown = figures(visit(populated, PAGE))
    for name in (OVER_TIME, HISTOGRAM):
        layout = shown[name]["layout"]
        assert [note["text"] for note in layout["annotations"]] == [f"threshold {cloud.threshold(populated):g}"]
        assert len(layout["shapes"]) == 1
    assert "Pass rate over time" in shown


def test_the_histogram_has_every_record_above_the_threshold_or_below_it(visit: Visit, populated: Environment) -> None:
    below, above = figures(visit(populated, PAGE))[HISTOGRAM]["data"]
    passing = [record.confidence >= cloud.threshold(populated) for record in cloud.captured(populated)]
    assert (sum(counts(below)), sum(counts(above))) == (passing.count(False), passing.count(True))
