"""Monitoring: what is shown of captured records of every kind and time, and the images behind the charts."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import jobs, monitoring
from backend.aws.environment import Environment
from tests.capture_lines import capture_line
from tests.pages.conftest import made_project
from tests.pages.monitored import OVER_TIME, PAGE, figures, points, wall
from tests.pages.visits import JOB_SECONDS, Visit, click, errors, metrics, table, texts


def warnings(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.warning, *app.info])


def put_capture(project: Environment, name: str, *lines: bytes, variant: str = "AllTraffic") -> str:
    key = f"data_capture/{project.names.endpoint}/{variant}/2026/01/02/03/{name}.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))
    return key


def line(time: datetime, inference_id: str, probabilities: list[float]) -> bytes:
    """A record without its image."""
    changes = {"captureData__endpointInput": None, "eventMetadata__inferenceId": inference_id}
    return capture_line(probabilities, f"{time:%Y-%m-%dT%H:%M:%SZ}", **changes)


def read(project: Environment, source: monitoring.CaptureSource | None = None) -> None:
    """Read what was captured, as the page does in the background."""
    monitoring.refresh_captures(project, source, entirely=True)


def await_reading(app: AppTest, project: Environment, source: monitoring.CaptureSource | None = None) -> None:
    """Wait until the page has read, and draw it as its fragment would."""
    job = monitoring.refreshing(project, source or monitoring.project_source(project))
    assert job is not None
    ended = jobs.wait(job.name, JOB_SECONDS)
    assert ended is not None
    assert not ended.is_running
    app.run()
    assert not app.exception


def click_by_key(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def age(project: Environment) -> None:
    """Capture records from now and from two days ago, and read them."""
    now = datetime.now(UTC)
    put_capture(project, "00-00-000-a", line(now - timedelta(days=2), "old", [0.7, 0.3]), line(now, "new", [0.2, 0.8]))
    read(project)


@pytest.fixture(scope="module")
def aged(environment: Environment) -> Iterator[Environment]:
    """A project without a workflow, with those records, for all tests that only look at it."""
    for project in made_project(environment):
        age(project)
        yield project


@pytest.fixture
def aging(own: Environment) -> Environment:
    """The same for a test that changes what was captured."""
    age(own)
    return own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Capture files of somebody else's endpoint on this machine: two variants, three classes, of 2024."""
    for variant, probabilities in (("blue", [0.1, 0.2, 0.7]), ("green", [0.8, 0.1, 0.1])):
        file = tmp_path / "theirs" / variant / "2024" / "03" / "04" / "05" / "00-00-000-a.jsonl"
        file.parent.mkdir(parents=True)
        file.write_bytes(line(datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC), variant, probabilities))
    return tmp_path


@pytest.fixture
def foreign(own: Environment, folder: Path) -> monitoring.CaptureSource:
    """That folder as a source, read."""
    source = monitoring.add_source(own, str(folder))
    read(own, source)
    return source


def test_a_click_that_comes_with_what_another_widget_showed_before_does_not_bring_that_back(
    visit: Visit, aged: Environment
) -> None:
    """As it does when somebody moves the slider twice before the browser heard what the number shows now."""
    app = visit(aged, PAGE, threshold="0.5")
    app.slider(key="monitoring.what_if").set_value(0.6).run()
    assert app.number_input(key="monitoring.what_if_number").value == 0.6
    app.number_input(key="monitoring.what_if_number").set_value(0.5)
    app.slider(key="monitoring.what_if").set_value(0.7).run()
    assert app.query_params["threshold"] == "0.7"
    app.number_input(key="monitoring.what_if_number").set_value(0.6).run()
    assert app.query_params["threshold"] == "0.6", "alone, it is meant"


def test_a_threshold_between_two_steps_of_the_counts_is_said_to_be_rounded(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE, threshold="0.8012")
    assert "Counted at 0.8, the step nearest to 0.8012." in texts(app)
    assert "Counted at" not in texts(visit(aged, PAGE, threshold="0.8"))


def test_only_records_of_the_chosen_class_are_shown(
    visit: Visit, own: Environment, foreign: monitoring.CaptureSource
) -> None:
    app = visit(own, PAGE, source=foreign.url)
    app.selectbox(key="monitoring.class_index").set_value(2).run()
    assert set(points(app)) == {"blue"}
    assert metrics(app)["Records"] == "1"
    assert app.query_params["class"] == "2"


def test_the_next_record_is_the_next_in_time(visit: Visit, own: Environment) -> None:
    times = [datetime(2024, 1, 2, 3, minute, tzinfo=UTC) for minute in (5, 4, 6)]
    put_capture(own, "00-00-000-a", *(line(time, f"at-{time.minute}", [0.4, 0.6]) for time in times))
    read(own)
    app = visit(own, PAGE)
    app.session_state["monitoring.record"] = points(app)["at-4"]
    app.run()
    assert app.button(key="monitoring.previous").disabled
    seen = []
    for _ in range(2):
        app.button(key="monitoring.next").click().run()
        seen += [element.value for element in app.caption if element.value.startswith("Captured 2024")]
    assert seen == ["Captured 2024-01-02 03:05:00 UTC", "Captured 2024-01-02 03:06:00 UTC"]
    assert app.button(key="monitoring.next").disabled


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ("Hour", 1),
        ("30 days", 2),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("Day", 1), ("Week", 2), ("All", 2))),
    ],
)
def test_a_time_range_leaves_older_records_out(visit: Visit, aged: Environment, choice: str, count: int) -> None:
    app = visit(aged, PAGE)
    app.button_group(key="monitoring.range").set_value(choice).run()
    assert metrics(app)["Records"] == str(count)
    assert metrics(visit(aged, PAGE, range=choice))["Records"] == str(count)


def test_records_of_years_ago_are_shown_without_a_click(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", line(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "old", [0.7, 0.3]))
    put_capture(own, "00-00-000-b", line(datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC), "older", [0.7, 0.3]))
    read(own)
    assert set(points(visit(own, PAGE))) == {"old", "older"}
    assert set(points(visit(own, PAGE, range="Hour"))) == {"old"}, "counted back from the newest record"


def test_all_ends_with_the_newest_record_and_an_hour_with_now_where_that_is_recent(
    visit: Visit, own: Environment
) -> None:
    last = datetime.now(UTC) - timedelta(minutes=20)
    put_capture(own, "00-00-000-a", line(last, "last", [0.7, 0.3]), line(last, "too", [0.7, 0.3]))
    read(own)
    ends = {}
    for preset in ("All", "Hour"):
        end = figures(visit(own, PAGE, range=preset))[OVER_TIME]["layout"]["xaxis"]["range"][1]
        ends[preset] = datetime.fromisoformat(f"{end}+00:00")
    assert last < ends["All"] <= last + timedelta(minutes=2)
    assert ends["Hour"] > last + timedelta(minutes=19)


def test_the_address_names_a_time_range(visit: Visit, own: Environment) -> None:
    times = [datetime(2024, 1, 2, 3, 4, second, tzinfo=UTC) for second in (5, 7, 9)]
    put_capture(own, "00-00-000-a", *(line(time, f"at-{time.second}", [0.7, 0.3]) for time in times))
    read(own)
    app = visit(own, PAGE, **{"from": "2024-01-02T03:04:06Z", "to": "2024-01-02T04:04:08+01:00"})
    assert set(points(app)) == {"at-7"}
    assert "From 2024-01-02 03:04:06 to 2024-01-02 03:04:08 UTC, in steps of 1 s." in texts(app)
    click_by_key(app, "monitoring.out")
    assert set(points(app)) == {"at-5", "at-7"}


def test_one_can_zoom_out_to_the_end_of_time(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE, **{"from": "2018-01-01T00:00:00Z", "to": "2099-12-31T00:00:00Z"})
    for key in ("monitoring.out", "monitoring.forth", "monitoring.out", "monitoring.back"):
        click_by_key(app, key)
    assert app.query_params["from"] == "2017-01-01T00:00:00Z"
    assert errors(app) == []
    assert metrics(app)["Records"] == "2"


def test_a_range_without_a_record_says_so(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE, **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    assert metrics(app)["Records"] == "0"
    assert "No captured inference in this range" in json.dumps(figures(app)[OVER_TIME])
    assert errors(app) == []


@pytest.mark.parametrize(
    "said",  # by the part of the query that cannot be meant
    [
        {
            ("range", "Year"): "range=Year",
            ("class", "-1"): "class=-1",
            ("endpoint", "another"): "This source has no endpoint another",
            ("threshold", "nan"): "threshold=nan",
            ("refresh", "maybe"): "refresh=maybe",
            ("source", "file:///etc/"): "a source that was not added here",
        },
        {
            ("class", "9" * 30): "class=999",
            ("variant", "**bold**"): "This source has no variant",
            ("threshold", "1.5"): "threshold=1.5",
        },
        {("from", "2024-01-02T00:00:00Z"): "it needs from, and to behind it", ("class", "7"): "no class 7"},
    ],
)
def test_what_an_address_cannot_mean_is_left_out_and_said(
    visit: Visit, aged: Environment, said: dict[tuple[str, str], str]
) -> None:
    app = visit(aged, PAGE, **dict(said.keys()))
    for sentence in said.values():
        assert sentence in warnings(app).replace("`", "")
    assert metrics(app)["Records"] == "2"


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("yesterday", "from=yesterday"),
        ("0001-01-01T00:00:00+14:00", "from="),
        ("2024-01-03T00:00:00Z", "it needs from, and to behind it"),
    ],
)
def test_a_time_that_an_address_cannot_mean_is_left_out_and_said(
    visit: Visit, aged: Environment, begin: str, said: str
) -> None:
    app = visit(aged, PAGE, **{"from": begin, "to": "2024-01-02T00:00:00Z"})
    assert said in warnings(app).replace("`", "")
    assert metrics(app)["Records"] == "2"


def test_the_view_is_kept_while_other_pages_are_visited(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE, range="Day")
    app.switch_page("overview/page.py").run()
    app.query_params.clear()
    app.switch_page("monitoring/page.py").run()
    assert metrics(app)["Records"] == "1"
    assert app.query_params["range"] == "Day"


def test_without_a_workflow_no_threshold_is_drawn_and_nothing_passes_it(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    for figure in figures(app).values():
        assert not figure["layout"].get("shapes")
        assert not figure["layout"].get("annotations")
        assert not [trace for trace in figure["data"] if "threshold" in trace.get("name", "")]
    assert "Pass rate over time" not in figures(app)
    assert not [label for label in metrics(app) if "Pass rate" in label or "What if" in label]


def test_lines_that_cannot_be_read_are_counted_and_shown_with_where_they_are(visit: Visit, aging: Environment) -> None:
    key = put_capture(aging, "00-00-000-b", b"{\n", b'{"captureData": {}}\n')
    read(aging)
    app = visit(aging, PAGE)
    assert metrics(app)["Quarantined"] == "2"
    shown = table(app, "At byte")
    assert [key.endswith(name) for name in shown["File"]] == [True, True]
    assert list(zip(shown["At byte"], shown["Bytes"], strict=True)) == [(0, 2), (2, 20)]


def test_files_that_data_capture_does_not_write_are_counted_and_named(visit: Visit, aging: Environment) -> None:
    aging.s3.put_object(Bucket=aging.bucket, Key="data_capture/notes/todo.txt", Body=b"x")
    read(aging)
    app = visit(aging, PAGE)
    assert metrics(app)["Unrecognised"] == "1"
    assert [name.endswith("notes/todo.txt") for name in table(app, "Key")["Key"]] == [True]


def test_a_record_without_its_image_is_shown_by_its_answer(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    app.session_state["monitoring.record"] = points(app)["new"]
    app.run()
    assert (metrics(app)["Confidence"], metrics(app)["True class"]) == ("0.800", "unknown")
    assert errors(app) == []
    assert "test_images" in [link.page for link in app.page_link]


def test_a_record_that_is_gone_says_so(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    app.session_state["monitoring.record"] = 10**6
    app.run()
    assert errors(app) == ["This record is no longer in the store. Refresh the records."]


def test_a_first_visit_reads_in_the_background(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", line(datetime.now(UTC), "new", [0.2, 0.8]))
    app = visit(own, PAGE)
    await_reading(app, own)
    assert metrics(app)["Records"] == "1"


def test_refreshing_reads_what_came_since_and_forgets_what_was_deleted(visit: Visit, aging: Environment) -> None:
    app = visit(aging, PAGE)
    await_reading(app, aging)
    put_capture(aging, "00-00-000-c", line(datetime.now(UTC), "newest", [0.1, 0.9]))
    aging.s3.delete_object(
        Bucket=aging.bucket, Key=f"data_capture/{aging.names.endpoint}/AllTraffic/2026/01/02/03/00-00-000-a.jsonl"
    )
    click_by_key(app, "monitoring.refresh")
    await_reading(app, aging)
    assert set(points(app)) == {"newest"}


def test_a_reading_that_failed_says_why(visit: Visit, own: Environment, folder: Path) -> None:
    source = monitoring.add_source(own, str(folder))
    folder.rename(folder.with_name("elsewhere"))
    app = visit(own, PAGE, source=source.url)
    await_reading(app, own, source)
    assert str(folder) in errors(app)[0].replace("`", "")


def test_a_page_that_does_not_refresh_says_so_in_its_address(visit: Visit, aged: Environment) -> None:
    app = visit(aged, PAGE)
    app.toggle(key="monitoring.refreshes").set_value(False).run()
    assert app.query_params["refresh"] == "off"
    assert not visit(aged, PAGE, refresh="off").toggle(key="monitoring.refreshes").value


def test_a_bucket_of_which_no_line_can_be_read_shows_how_many_and_why(visit: Visit, own: Environment) -> None:
    put_capture(own, "00-00-000-a", b"{\n", b"{\n", capture_line([7.0, 0.0], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    read(own)
    app = visit(own, PAGE)
    assert ["3 lines in 1 file" in element.value for element in app.warning] == [True]
    assert table(app, "Reason")["Lines"] == [2, 1]
    assert "no probabilities from 0 to 1" in table(app, "Reason")["Reason"][1]
    assert "None could be read of 3 captured lines." in texts(visit(own, "overview"))
    put_capture(own, "00-00-000-b", line(datetime.now(UTC), "new", [0.2, 0.8]))
    read(own)
    app = visit(own, PAGE)
    assert (metrics(app)["Records"], metrics(app)["Quarantined"]) == ("1", "3")


def test_answers_of_json_lines_are_shown(visit: Visit, own: Environment) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    put_capture(
        own, "00-00-000-a", capture_line([], now, captureData__endpointOutput__data='{"prediction": [0.25, 0.75]}\n')
    )
    read(own)
    app = visit(own, PAGE)
    assert (metrics(app)["Records"], metrics(app)["Quarantined"]) == ("1", "0")
    assert wall(app) == ["0.750"]


def test_a_folder_is_added_as_a_source_and_removed(visit: Visit, own: Environment, folder: Path) -> None:
    app = visit(own, PAGE)
    app.text_input(key="monitoring.source_url").set_value(str(folder))
    app.text_input(key="monitoring.source_labels").set_value("ship, truck, plane")
    click(app, "Add source")
    [source] = monitoring.list_sources(own)[1:]
    assert app.query_params["source"] == source.url
    await_reading(app, own, source)
    assert set(points(app)) == {"blue", "green"}
    assert [trace["name"] for trace in figures(app)[OVER_TIME]["data"]] == ["ship", "plane"]
    click(app, "Remove source")
    assert monitoring.list_sources(own) == [monitoring.project_source(own)]
    assert "source" not in app.query_params


def test_a_source_that_is_none_is_refused(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    app.text_input(key="monitoring.source_url").set_value("ftp://example")
    click(app, "Add source")
    assert "is no source of captured records" in errors(app)[0].replace("`", "")


def test_classes_of_another_source_are_numbered_until_somebody_names_them(
    visit: Visit, own: Environment, foreign: monitoring.CaptureSource
) -> None:
    app = visit(own, PAGE, source=foreign.url)
    assert [trace["name"] for trace in figures(app)[OVER_TIME]["data"]] == ["class 0", "class 2"]
    app.text_input(key=f"monitoring.labels.{foreign.cache_name}").set_value("ship, truck, plane")
    click(app, "Name classes")
    assert [trace["name"] for trace in figures(app)[OVER_TIME]["data"]] == ["ship", "plane"]


def test_a_class_that_somebody_calls_other_passes_no_more(
    visit: Visit, own: Environment, foreign: monitoring.CaptureSource
) -> None:
    app = visit(own, PAGE, source=foreign.url, threshold="0.5")
    assert metrics(app)["What if 0.5"] == "100.0%"
    assert "Answered other" not in metrics(app)
    monitoring.name_classes(own, foreign, ["ship", "truck", "other"])
    app = visit(own, PAGE, source=foreign.url, threshold="0.5")
    assert (metrics(app)["What if 0.5"], metrics(app)["Answered other"]) == ("50.0%", "50.0%")
    app.button_group(key="monitoring.wall").set_value("Newest rejects").run()
    assert wall(app) == ["0.700"]


def test_another_source_is_filtered_by_its_variants(
    visit: Visit, own: Environment, foreign: monitoring.CaptureSource
) -> None:
    app = visit(own, PAGE, source=foreign.url)
    app.selectbox(key="monitoring.variant").set_value("green").run()
    assert set(points(app)) == {"green"}
    assert set(points(visit(own, PAGE, source=foreign.url, variant="green"))) == {"green"}
    assert "Sampling" not in metrics(app), "nobody knows it of another endpoint"


@pytest.fixture
def shown(visit: Visit, own: Environment) -> Callable[[bytes], AppTest]:
    """The page with a record clicked whose input was this."""

    def show(content: bytes) -> AppTest:
        data = base64.b64encode(content).decode()
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        put_capture(own, "00-00-000-a", capture_line([0.75, 0.25], now, captureData__endpointInput__data=data))
        read(own)
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
    assert len(app.image) == 2, "on the wall, and in its record"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", *(pytest.param(one, marks=pytest.mark.slow) for one in (b"1.5,2.5", b"RecordIO" * 9))],
)
def test_of_a_captured_input_that_is_no_image_it_is_said(shown: Callable[[bytes], AppTest], content: bytes) -> None:
    app = shown(content)
    everything = "\n".join(element.value for element in app.caption)
    assert "The captured input is not a PNG or JPEG image" in everything
    assert "No image" in everything
    assert len(app.image) == 0
