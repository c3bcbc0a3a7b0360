"""Monitoring: the captured records, as the capture files have them, and the image behind a point."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from tests.capture_lines import capture_line
from tests.pages import cloud
from tests.pages.visits import Visit, errors, links, metrics, table, texts

PAGE = "monitoring"


def points(app: AppTest) -> dict[str, int]:
    """The record behind each point of the first chart, by its inference id."""
    traces = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    return {inference: int(record) for trace in traces for record, inference in trace["customdata"]}


def put_capture(project: Environment, name: str, *lines: bytes) -> None:
    key = f"data_capture/{project.names.endpoint}/AllTraffic/2026/01/02/03/{name}.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))


def line(time: datetime, inference_id: str, probabilities: list[float]) -> bytes:
    """A record without its image."""
    changes = {"captureData__endpointInput": None, "eventMetadata__inferenceId": inference_id}
    return capture_line(probabilities, f"{time:%Y-%m-%dT%H:%M:%SZ}", **changes)


@pytest.fixture
def aged(own: Environment) -> Environment:
    """A project without a workflow, of which records from now and from two days ago were captured."""
    now = datetime.now(UTC)
    put_capture(own, "00-00-000-a", line(now - timedelta(days=2), "old", [0.7, 0.3]), line(now, "new", [0.2, 0.8]))
    return own


def test_the_records_are_those_of_the_capture_files(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    records = cloud.captured(populated)
    assert metrics(app)["Records"] == str(len(records))
    assert set(points(app)) == {record.inference_id for record in records}


def test_the_share_that_passes_goes_by_the_lambdas_threshold(visit: Visit, populated: Environment) -> None:
    records, threshold = cloud.captured(populated), cloud.threshold(populated)
    share = sum(record.confidence >= threshold for record in records) / len(records)
    assert metrics(visit(populated, PAGE))[f"At or above {threshold:g}"] == f"{share:.1%}"


def test_the_lowest_confidences_come_first(visit: Visit, populated: Environment) -> None:
    confidences = sorted(record.confidence for record in cloud.captured(populated))
    assert table(visit(populated, PAGE), "Predicted")["Confidence"] == pytest.approx(confidences[:20])


def test_only_records_below_the_threshold_are_shown_when_asked_for(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.toggle(key="monitoring.below").set_value(True).run()
    threshold = cloud.threshold(populated)
    below = {record.inference_id for record in cloud.captured(populated) if record.confidence < threshold}
    assert set(points(app)) == below


def test_only_records_of_the_chosen_class_are_shown(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.button_group(key="monitoring.label").set_value("motorcycle").run()
    chosen = {record.inference_id for record in cloud.captured(populated) if record.probabilities[1] > 0.5}
    assert set(points(app)) == chosen


def test_a_record_that_was_clicked_shows_its_image_its_answer_and_its_execution(
    visit: Visit, populated: Environment
) -> None:
    app = visit(populated, PAGE)
    record = next(record for record in cloud.captured(populated) if "_drawn_" in record.inference_id)
    app.session_state["monitoring.record"] = points(app)[record.inference_id]
    app.run()
    assert metrics(app)["Confidence"] == f"{record.confidence:.3f}"
    assert metrics(app)["True class"] == record.inference_id.split("_")[0]
    assert len(app.image[0].value) == 1
    [link] = (link for link in app.main.page_link if link.page == "test_images")
    assert link.label == f"Execution {record.inference_id}"


@pytest.mark.parametrize(("choice", "count"), [("Hour", 1), ("Day", 1), ("Week", 2), ("All", 2)])
def test_a_time_range_leaves_older_records_out(visit: Visit, aged: Environment, choice: str, count: int) -> None:
    app = visit(aged, PAGE)
    app.button_group(key="monitoring.range").set_value(choice).run()
    assert metrics(app)["Records"] == str(count)


def test_a_range_without_a_record_says_so(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", line(datetime(2025, 1, 2, tzinfo=UTC), "old", [0.7, 0.3]))
    app = visit(own, PAGE)
    app.button_group(key="monitoring.range").set_value("Day").run()
    assert metrics(app)["Records"] == "0"
    assert "No captured inference in this range" in app.get("plotly_chart")[0].proto.spec


def test_without_a_workflow_no_threshold_is_drawn_and_nothing_passes_it(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    for chart in app.get("plotly_chart"):
        figure = json.loads(chart.proto.spec)
        assert not figure["layout"].get("shapes")
        assert not figure["layout"].get("annotations")
        assert not [trace["name"] for trace in figure["data"] if "threshold" in trace["name"]]
    assert metrics(app)["Pass rate"] == "-"
    assert not [label for label in metrics(app) if label.startswith("At or above")]
    assert not app.toggle


def test_with_a_workflow_its_threshold_is_drawn_in_each_chart(visit: Visit, populated: Environment) -> None:
    """Against which the test above is held."""
    for chart in visit(populated, PAGE).get("plotly_chart"):
        layout = json.loads(chart.proto.spec)["layout"]
        assert [note["text"] for note in layout["annotations"]] == [f"threshold {cloud.threshold(populated):g}"]
        assert len(layout["shapes"]) == 1


def test_lines_that_cannot_be_read_are_counted(visit: Visit, aged: Environment) -> None:
    put_capture(aged, "00-00-000-b", b"{\n", b'{"captureData": {}}\n')
    assert metrics(visit(aged, PAGE))["Quarantined"] == "2"


def test_a_record_without_its_image_is_shown_by_its_answer(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    app.session_state["monitoring.record"] = points(app)["new"]
    app.run()
    assert (metrics(app)["Confidence"], metrics(app)["True class"]) == ("0.800", "unknown")
    assert errors(app) == []
    assert links(app) == ["test_images"]


def test_a_record_that_is_gone_says_so(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    app.session_state["monitoring.record"] = 10**6
    app.run()
    assert errors(app) == ["This record is no longer in the store. Refresh the records."]


def test_refreshing_reads_what_came_since(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    put_capture(aged, "00-00-000-c", line(datetime.now(UTC), "newest", [0.1, 0.9]))
    app.button(key="monitoring.refresh").click().run()
    assert metrics(app)["Records"] == "3"


def test_a_bucket_of_which_no_line_can_be_read_shows_how_many_and_why(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", b"{\n", b"{\n", capture_line([7.0, 0.0], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    app = visit(own, PAGE)
    assert ["3 lines in 1 file" in element.value for element in app.warning] == [True]
    assert table(app, "Reason")["Lines"] == [2, 1]
    assert "no probabilities from 0 to 1" in table(app, "Reason")["Reason"][1]
    assert "None could be read of 3 captured lines." in texts(visit(own, "overview"))
    put_capture(own, "00-00-000-b", line(datetime.now(UTC), "new", [0.2, 0.8]))
    app = visit(own, PAGE)
    assert (metrics(app)["Records"], metrics(app)["Quarantined"]) == ("1", "3")


def test_a_bucket_of_which_no_line_can_be_read_is_read_again_when_asked_to(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", b"{\n")
    app = visit(own, PAGE)
    put_capture(own, "00-00-000-b", line(datetime.now(UTC), "new", [0.2, 0.8]))
    app.button(key="monitoring.refresh").click().run()
    assert (metrics(app)["Records"], metrics(app)["Quarantined"]) == ("1", "1")


def test_answers_of_json_lines_are_shown(visit: Visit, own: Environment) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    put_capture(
        own, "00-00-000-a", capture_line([], now, captureData__endpointOutput__data='{"prediction": [0.25, 0.75]}\n')
    )
    app = visit(own, PAGE)
    assert (metrics(app)["Records"], metrics(app)["Quarantined"]) == ("1", "0")
    assert table(app, "Predicted")["Confidence"] == [0.75]


@pytest.fixture
def shown(visit: Visit, own: Environment) -> Callable[[bytes], AppTest]:
    """The page with a record clicked whose input was this."""

    def show(content: bytes) -> AppTest:
        data = base64.b64encode(content).decode()
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        put_capture(own, "00-00-000-a", capture_line([0.75, 0.25], now, captureData__endpointInput__data=data))
        app = visit(own, PAGE)
        app.session_state["monitoring.record"] = points(app)["execution-1"]
        app.run()
        assert not app.exception
        assert errors(app) == []
        assert metrics(app)["Confidence"] == "0.750"
        return app

    return show


def test_a_captured_cmyk_jpeg_is_shown(shown: Callable[[bytes], AppTest]) -> None:
    buffer = io.BytesIO()
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(buffer, "JPEG")
    app = shown(buffer.getvalue())
    assert len(app.image) == 1
    [url] = table(app, "Predicted")["Image"]
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as thumbnail:
        assert (thumbnail.format, thumbnail.mode) == ("PNG", "RGB")


@pytest.mark.parametrize("content", [b"", b"1.5,2.5,3.5", b"\x89PNG\r\n\x1a\n", b"RecordIO" * 9])
def test_of_a_captured_input_that_is_no_image_it_is_said(shown: Callable[[bytes], AppTest], content: bytes) -> None:
    app = shown(content)
    assert "The captured input is not a PNG or JPEG image" in texts(app)
    assert len(app.image) == 0
    assert table(app, "Predicted")["Image"] == [None]
