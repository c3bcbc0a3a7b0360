"""Drift: a baseline is chosen, a change is told with its pictures, and stays told until somebody has seen it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from backend import drift_alarm, monitoring
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.drift_alarm.baselines import usual_of_evaluation
from backend.evaluation.stored import store_evaluation
from backend.monitoring.watched import change_watched
from pages.shared import JobName
from tests.backend.drift_alarm.alarming import darker, evaluation, first
from tests.backend.monitoring.watching import BEGIN, lines, watched
from tests.pages.conftest import made_project
from tests.pages.monitored import OVER_TIME, figures
from tests.pages.visits import Visit, click, errors, finish, links, table, texts

PAGE = "drift"
Capture = Callable[..., None]


@pytest.fixture
def project(environment: Environment) -> Iterator[Environment]:
    yield from made_project(environment)


@pytest.fixture
def capture(project: Environment) -> Capture:
    def put(name: str, content: Iterable[bytes], variant: str = "AllTraffic") -> None:
        key = f"data_capture/scones/{variant}/2026/01/02/00/{name}.jsonl"
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(content))
        monitoring.refresh_captures(project, entirely=True)

    return put


def watch(project: Environment) -> None:
    """Compare with the first two hundred records."""
    labels = ("bicycle", "motorcycle", "other")
    drift_alarm.choose_window(project, monitoring.project_source(project), first(), 10_000, labels)


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.error, *app.warning, *app.info, *app.success])


def await_counted(app: AppTest) -> None:
    """Run the page until the records since the baseline are counted: somebody else may be about to, just now."""
    for _ in attempts("The records since the baseline", timeout=30):
        if "are being counted" not in said(app):
            return
        app.run()


def test_without_captures_it_leads_to_where_they_come_from(project: Environment, visit: Visit) -> None:
    app = visit(project, PAGE)
    assert "nothing that could drift" in texts(app)
    assert not errors(app)


def test_a_baseline_is_chosen_from_what_was_captured(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(120))
    app = visit(project, PAGE)
    assert "No baseline is chosen" in said(app)
    click(app, "Use this window")
    finish(app, JobName.DRIFT)
    assert not errors(app)
    await_counted(app)
    assert "No record has come since the baseline." in said(app)
    assert "at least 10,000 records pass on average" in texts(app)
    assert "the window from 2026-01-02 00:00:00 UTC to 2026-01-02 00:02:00 UTC (120 records)" in texts(app)


def test_too_few_records_are_said_with_how_many_are_missing(
    project: Environment, visit: Visit, capture: Capture
) -> None:
    capture("a", lines(30))
    app = visit(project, PAGE)
    click(app, "Use this window")
    job = finish(app, JobName.DRIFT)
    assert job.error is not None
    assert "20 are missing" in job.error
    assert "No baseline is chosen" in said(app)


def test_while_nothing_changes_no_change_is_told(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(300))
    watch(project)
    app = visit(project, PAGE)
    assert "No change is told." in said(app)
    assert "As the baseline" in said(app)
    assert "Evidence of a change over time" in figures(app)
    assert "Evidence by feature" not in figures(app)
    found = table(app, "PSI")
    assert found["Feature"] == ["Confidence", "Brightness", "Contrast", "Sharpness", "Probability of other"]
    assert all(value > 0 for value in found["PSI by chance"])


def test_a_change_is_told_shown_and_acknowledged(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(300))
    watch(project)
    capture("b", darker(100))
    app = visit(project, PAGE)
    [alarm] = errors(app)
    assert alarm.startswith("**Alarm: the brightness is not as it was.** Changed about 2026-01-02 00:0")
    shares = figures(app)["Evidence by feature"]["data"][0]
    assert shares["y"][0] == "brightness"
    assert "Before: the 100 records before the change. After: the first" in texts(app)
    assert [len(images.proto.imgs) for images in app.get("image")] == [12, 12]
    click(app, "Acknowledge")
    assert any("Type your name" in error for error in errors(app))
    app.text_input(key="drift.who").set_value("Ada")
    click(app, "Acknowledge")
    assert not errors(app)
    assert table(app, "By")["By"] == ["Ada"]
    assert table(app, "What")["What"] == ["brightness"]


def test_another_promise_starts_anew(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(300))
    watch(project)
    app = visit(project, PAGE)
    app.number_input(key="drift.promise.other").set_value(500)
    click(app, "Start anew with this promise")
    finish(app, JobName.DRIFT)
    assert "at least 500 records pass on average" in texts(app)
    assert "100 records" in texts(app)


def test_an_alarm_that_comes_of_another_promise_is_acknowledged_on_the_same_page(
    project: Environment, visit: Visit, capture: Capture
) -> None:
    capture("a", lines(300))
    watch(project)
    capture("b", darker(4))  # too few for the first promise
    app = visit(project, PAGE)
    assert not errors(app)
    app.number_input(key="drift.promise.other").set_value(100)
    click(app, "Start anew with this promise")
    finish(app, JobName.DRIFT)
    assert len(errors(app)) == 1
    app.text_input(key="drift.who").set_value("Ada")
    click(app, "Acknowledge")
    assert not errors(app)
    assert table(app, "By")["By"] == ["Ada"]


def test_the_model_that_is_served_has_to_be_evaluated_to_be_the_baseline(populated: Environment, visit: Visit) -> None:
    monitoring.refresh_captures(populated)
    app = visit(populated, PAGE)
    app.radio(key="drift.kind").set_value("Evaluation of the deployed model").run()
    assert not app.exception
    assert "was not evaluated yet" in texts(app)


def test_a_served_model_is_known_with_since_when(populated: Environment) -> None:
    found = drift_alarm.evaluated(populated, "AllTraffic")
    described = populated.sagemaker.describe_endpoint(EndpointName=populated.names.endpoint)
    config = populated.sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    listed = populated.sagemaker.list_endpoint_configs(NameContains=f"{populated.project}-")["EndpointConfigs"]
    earlier = [
        item
        for item in listed
        if item["CreationTime"] < config["CreationTime"] and populated.names.is_stamped(item["EndpointConfigName"])
    ]
    assert found is not None
    # where other tests have deployed another model before: since the endpoint went over
    assert found.since == (described["LastModifiedTime"] if earlier else config["CreationTime"])
    assert found.evaluation is None
    assert drift_alarm.evaluated(populated, "another") is None


def test_a_baseline_of_another_model_is_said(populated: Environment, visit: Visit) -> None:
    source, stream = monitoring.project_source(populated), (populated.names.endpoint, "AllTraffic")
    of = watched(endpoint=stream[0])
    of = msgspec.structs.replace(of, usual=msgspec.structs.replace(of.usual, job="an-older-one"))
    change_watched(populated, source, stream, lambda _: of)
    monitoring.refresh_captures(populated)
    try:
        app = visit(populated, PAGE)
        assert "the baseline is of another one's answers" in said(app)
    finally:
        change_watched(populated, source, stream, lambda _: None)


def test_beside_an_evaluation_its_pictures_and_what_could_be_noticed_are_shown(
    project: Environment, visit: Visit, capture: Capture
) -> None:
    found = evaluation(project, 60)
    store_evaluation(project, found)
    usual = usual_of_evaluation(project, found)
    of = watched(usual=usual, since=BEGIN)
    change_watched(project, monitoring.project_source(project), of.stream, lambda _: of)
    capture("a", lines(60))  # whose pictures are nothing like the evaluation's, which are plain gray
    app = visit(project, PAGE)
    assert "the evaluation of job-1 on its test set (60 images of known classes)" in texts(app)
    assert "Before: the baseline. After: the first 60 since" in texts(app)
    assert [len(images.proto.imgs) for images in app.get("image")] == [12, 12]
    assert "Of 60 such images in the evaluation, the probability of other puts one apart" in texts(app)
    noticed = table(app, "Noticed after")
    assert noticed["Of the images, foreign"][3::3] == ["1 in 10", "All"]
    assert noticed["Noticed after"][-1].startswith("about ")


def test_each_variant_has_an_alarm_of_its_own(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(300))
    watch(project)
    capture("b", darker(100))
    capture("a", lines(100), "shadow")
    app = visit(project, PAGE)
    assert len(errors(app)) == 1  # of the variant with the most records
    app.selectbox(key="drift.stream").select(("scones", "shadow")).run()
    assert not app.exception
    assert not errors(app)
    assert "No baseline is chosen for this variant" in said(app)
    assert not errors(visit(project, PAGE, variant="shadow"))


def test_monitoring_leads_to_an_alarm(project: Environment, visit: Visit, capture: Capture) -> None:
    capture("a", lines(300))
    watch(project)
    assert "drift" not in links(visit(project, "monitoring"))
    capture("b", darker(100))
    app = visit(project, "monitoring")
    assert "The brightness is not as it was, since about 2026-01-02 00:0" in texts(app)
    assert "drift" in links(app)
    notes = figures(app)[OVER_TIME]["layout"]["annotations"]
    assert [note["x"] for note in notes if note["text"] == "changed about here"] == ["2026-01-02 00:05:00.000000"]
