"""The Alerts page: rules as they stand, what they would have said, making, changing and deleting them; the badge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from backend import alerts, jobs
from backend.alerts import Comparison, Rule, State
from backend.aws.environment import Environment
from pages.shared import JobName
from tests import answers
from tests.backend.alerts.conftest import Record, capture
from tests.pages.conftest import made_project
from tests.pages.monitored import OVER_TIME, figures
from tests.pages.visits import Visit, click, errors, finish, table, texts

PAGE = "alerts"
START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def captured(environment: Environment) -> Iterator[Environment]:
    """A project with an hour of records: sure for half of it, unsure in its third quarter, one each minute."""
    for project in made_project(environment):
        sure, unsure = [0.95, 0.05], [0.55, 0.45]
        records = [
            Record(START + number * MINUTE, unsure if 30 <= number < 45 else sure, f"execution-{number}")
            for number in range(60)
        ]
        capture(project, records)
        yield project


@pytest.fixture
def project(captured: Environment) -> Iterator[Environment]:
    """The project without a rule."""
    yield captured
    for rule in alerts.read_rules(captured):
        alerts.delete_rule(captured, rule.rule_id)
    captured.s3.delete_object(Bucket=captured.bucket, Key="alerts/states.json")


def unsure(**changes: object) -> Rule:
    fields: dict[str, object] = {"period_seconds": 300} | changes
    return Rule("Unsure", "mean_confidence", Comparison.LESS, 0.7, **fields)  # type: ignore[arg-type]


def evaluate(project: Environment, minute: int) -> None:
    """Evaluate when the records until this minute are there; their files came so late that an hour is waited for."""
    alerts.evaluate(project, lambda: START + minute * MINUTE + timedelta(hours=1))


def badges(app: AppTest) -> list[str]:
    return [link.label for link in app.sidebar.page_link]


def test_without_a_rule_the_page_says_how_to_make_one(visit: Visit, empty: Environment) -> None:
    app = visit(empty, PAGE)
    assert "There is no rule yet." in texts(app)
    assert "there is no value to try the rule on" in texts(app)
    assert badges(app) == []
    assert errors(app) == []


def test_a_rule_is_made_with_a_preview_of_how_often_it_would_have_alarmed(visit: Visit, project: Environment) -> None:
    app = visit(project, PAGE)
    app.selectbox(key="alerts.form.figure").set_value("mean_confidence").run()
    assert "**1 alarm**, 15 min in all." in texts(app)
    app.number_input(key="alerts.form.mean_confidence.threshold").set_value(0.5).run()
    assert "it would not have alarmed" in texts(app)
    app.number_input(key="alerts.form.mean_confidence.threshold").set_value(0.7)
    app.number_input(key="alerts.form.wrong").set_value(2)
    app.number_input(key="alerts.form.among").set_value(2).run()
    assert "**1 alarm**, 10 min in all." in texts(app), "a window later, and as soon over"
    app.text_input(key="alerts.form.name").set_value("Unsure").run()
    click(app, "Save rule")
    assert errors(app) == []
    [rule] = alerts.read_rules(project)
    assert (rule.name, rule.figure, rule.threshold) == ("Unsure", "mean_confidence", 0.7)
    assert (rule.datapoints_to_alarm, rule.evaluation_periods) == (2, 2)
    assert table(app, "Rule")["In ALARM if"] == ["Mean confidence below 0.7 in 2 of 2 periods of 5 min"]


def test_what_is_no_rule_is_said_and_not_kept(visit: Visit, project: Environment) -> None:
    app = visit(project, PAGE)
    app.number_input(key="alerts.form.wrong").set_value(3).run()
    said = "3 of 1 periods cannot be wrong. Choose from 1 to 1."
    assert errors(app) == [said]
    click(app, "Save rule")
    assert errors(app) == [said, said], "of the preview, and of the button"
    assert alerts.read_rules(project) == []


def test_a_rule_stands_as_it_was_evaluated_and_every_page_says_how_many_are_in_alarm(
    visit: Visit, project: Environment
) -> None:
    rule = alerts.save_rule(project, unsure())
    evaluate(project, 30)
    evaluate(project, 40)
    app = visit(project, PAGE)
    shown = table(app, "Rule")
    assert (shown["State"], shown["Last value"]) == (["ALARM"], ["0.55"])
    assert [str(time) for time in shown["Since, UTC"]] == ["2026-01-02 03:35:00+00:00"]
    history = table(app, "Why")
    assert (history["To"][0], history["From"][0], history["Told"][0]) == ("ALARM", "OK", "yes")
    assert badges(app) == [":red[**1 in ALARM**]"]
    figure = next(json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    [band] = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert (band["x0"], band["x1"]) == ("2026-01-02 03:35:00", "2026-01-02 03:40:00")
    assert badges(visit(project, "overview")) == [":red[**1 in ALARM**]"]
    monitoring = visit(project, "monitoring")
    assert "Shaded: in ALARM, by the rules Unsure." in texts(monitoring)
    shaded = figures(monitoring)[OVER_TIME]["layout"]["shapes"]
    assert [(shape["x0"], shape["x1"]) for shape in shaded] == [("2026-01-02 03:35:00", "2026-01-02 03:40:00")]
    alerts.delete_rule(project, rule.rule_id)
    evaluate(project, 41)
    assert badges(visit(project, "overview")) == []


def test_a_rule_is_paused_changed_and_deleted(visit: Visit, project: Environment) -> None:
    rule = alerts.save_rule(project, unsure())
    app = visit(project, PAGE)
    app.button(key=f"alerts.pause.{rule.rule_id}").click().run()
    assert table(app, "Rule")["State"] == ["paused"]
    app.button(key=f"alerts.pause.{rule.rule_id}").click().run()
    [resumed] = alerts.read_rules(project)
    key = f"alerts.form.{rule.rule_id}.{resumed.revision}"
    app.number_input(key=f"{key}.mean_confidence.threshold").set_value(0.9).run()
    app.button(key=f"{key}.save").click().run()
    assert errors(app) == []
    [changed] = alerts.read_rules(project)
    assert (changed.rule_id, changed.threshold, changed.is_paused) == (rule.rule_id, 0.9, False)
    app.button(key=f"alerts.delete.{rule.rule_id}").click().run()
    assert errors(app) == []
    assert alerts.read_rules(project) == []


def test_rules_are_evaluated_when_asked_for(visit: Visit, project: Environment) -> None:
    rule = alerts.save_rule(project, unsure())
    app = visit(project, PAGE)
    assert "This app does not evaluate the rules." in texts(app)
    click(app, "Evaluate now")
    job = finish(app, JobName.ALERTS)
    assert job.status is jobs.Status.SUCCEEDED
    assert alerts.read_standings(project).standings[rule.rule_id].state is State.INSUFFICIENT_DATA
    assert "Last: 20" in texts(app)


def test_a_baseline_is_written_of_records(visit: Visit, project: Environment) -> None:
    app = visit(project, PAGE)
    app.radio(key="alerts.baseline").set_value("The last 7 days of captured records").run()
    click(app, "Write baseline")
    assert errors(app) == ["There is no record to make a baseline of. Choose a longer time."]
    capture(project, [Record(datetime.now(UTC) - MINUTE, [0.9, 0.1], "now")])
    click(app, "Write baseline")
    assert errors(app) == []
    key = "alerts/model-monitor/statistics.json"
    statistics = json.loads(project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read())
    assert statistics["dataset"]["item_count"] == 1


def test_alerts_that_cannot_be_read_are_said_in_the_margin_and_the_page_stays(visit: Visit, empty: Environment) -> None:
    with answers.changed(empty.s3, "GetObject", answers.denied):
        app = visit(empty, "overview")
    assert any("The alerts cannot be read." in caption.value for caption in app.sidebar.caption)
    assert not app.sidebar.error
    assert app.title[0].value == "Overview"
