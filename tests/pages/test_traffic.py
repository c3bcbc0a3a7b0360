"""Traffic on the Test images page: what is asked for, what is dialled while it runs, and what is told of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend import jobs, traffic, workflow
from backend.aws.environment import Environment
from backend.pipeline import wait_for_captures
from backend.traffic import Distortion, Drift
from pages.shared import JobName
from tests.pages import cloud
from tests.pages.monitored import figures, points
from tests.pages.visits import JOB_SECONDS, Visit, click, errors, finish, links, metrics, table, texts

pytestmark = pytest.mark.system

PAGE = "test_images"
CHART = "Images sent over time"


class Held:
    """A clock that is wherever it is waited for, but not beyond `hold`, in seconds of the run, until it may go on."""

    def __init__(self, hold: float) -> None:
        self._time, self._hold = 0.0, hold
        self.is_held, self.may_go = threading.Event(), threading.Event()

    def now(self) -> float:
        return self._time

    def wait(self, until: float, _stopping: threading.Event) -> None:
        if until > self._hold:
            self.is_held.set()
            self.may_go.wait(JOB_SECONDS)
        self._time = max(self._time, until)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, visit: Visit) -> Iterator[Held]:
    """The clock of the runs that the page starts; it goes on when the visitor leaves."""
    held = Held(4.0)
    monkeypatch.setattr("backend.traffic.run.RealClock", lambda: held)
    yield held
    held.may_go.set()


def opened(visit: Visit, project: Environment) -> AppTest:
    app = visit(project, PAGE)
    app.button_group(key="test_images.view").set_value("Traffic").run()
    assert not app.exception
    return app


def send(app: AppTest, clock: Held, *, rate: float = 2.0, minutes: float = 0.2) -> None:
    """Ask for traffic, and wait until some of it is sent and the clock is held."""
    app.number_input(key="traffic.rate").set_value(rate)
    app.number_input(key="traffic.minutes").set_value(minutes).run()
    app.button(key="traffic.send").click().run()
    assert clock.is_held.wait(JOB_SECONDS)
    app.run()
    assert not app.exception


def slider(app: AppTest, label: str) -> Any:
    [found] = (slider for slider in app.slider if slider.label == label)
    return found


def dial(app: AppTest, label: str, value: float) -> None:
    slider(app, label).set_value(value).run()
    assert not app.exception


def drift_of(project: Environment) -> Drift:
    run = traffic.live_run(project)
    assert run is not None
    return run.drift


def sent(project: Environment) -> list[dict[str, Any]]:
    """What the run that began last wrote into the bucket."""
    newest = max(key for key in cloud.keys(project, "traffic/") if key.endswith("run.json"))
    parts = cloud.keys(project, newest.replace("run.json", "sent/"))
    return [json.loads(line) for part in parts for line in cloud.content(project, part).splitlines()]


def test_traffic_is_sent_and_told_of_and_its_true_classes_are_known_to_monitoring(
    visit: Visit, populated: Environment, clock: Held
) -> None:
    clock.may_go.set()
    clock.is_held.set()
    app = opened(visit, populated)
    dial(app, "Darker", 2.0)
    assert app.button(key="traffic.send").label == "Send about 360 images"
    send(app, clock)
    assert finish(app, JobName.TRAFFIC).status == "succeeded"
    rows = sent(populated)
    assert [row["status"] for row in rows] == ["started"] * len(rows)
    assert {row["inference_id"] for row in rows} <= set(cloud.execution_arns(populated))
    [said] = [element.value for element in app.success]
    assert said.startswith(f"{len(rows)} images sent, all in time")
    shown = table(app, "Ended")
    assert (shown["Sent"][0], shown["Ended"][0], shown["Drift at first"][0]) == (len(rows), "completed", "darker 2")
    assert sum(table(app, "True class")["Sent"]) == len(rows)
    assert figures(app)[CHART]["layout"]["annotations"][-1]["text"] == "darker 2"

    wait_for_captures(populated, [row["inference_id"] for row in rows])
    name, true_label = rows[0]["inference_id"], rows[0]["label"]
    assert metrics(visit(populated, PAGE, execution=name))["True class"] == true_label
    monitoring = visit(populated, "monitoring", range="Hour")
    monitoring.session_state["monitoring.record"] = points(monitoring)[name]
    assert metrics(monitoring.run())["True class"] == true_label


def test_what_is_dialled_acts_on_the_run_and_shows_in_every_session(
    visit: Visit, populated: Environment, clock: Held
) -> None:
    app = opened(visit, populated)
    send(app, clock)
    assert drift_of(populated) == Drift()
    dial(app, "Blurred", 3.0)
    dial(app, "Bicycle", 10)
    assert drift_of(populated) == Drift({Distortion.BLURRED: 3.0}, {"bicycle": 10, "motorcycle": 50})
    other = opened(visit, populated)
    assert slider(other, "Blurred").value == 3.0
    assert slider(other, "Bicycle").value == 10
    dial(other, "Blurred", 0.0)
    dial(other, "Noisier", 1.5)
    app.run()
    assert [slider(app, label).value for label in ("Blurred", "Noisier", "Bicycle")] == [0.0, 1.5, 10]
    clock.may_go.set()
    assert finish(app, JobName.TRAFFIC).status == "succeeded"
    drifts = [row["drift"]["severities"] for row in sent(populated)]
    assert drifts[0] == {}
    assert drifts[-1] == {"noisier": 1.5}


def test_while_it_is_sent_the_page_shows_what_was_sent_so_far_and_can_stop_it(
    visit: Visit, populated: Environment, clock: Held
) -> None:
    app = opened(visit, populated)
    send(app, clock, minutes=10.0)
    assert "traffic.send" not in {button.key for button in app.button}
    shown = metrics(app)
    assert shown["Rate wanted"] == "2.00 /s"
    assert shown["Not started"] == "0"
    pictures = next(element.proto.body for element in app.get("html") if "traffic-examples" in element.proto.body)
    assert pictures.count("data:image/png;base64,") >= 2
    assert CHART in figures(app)
    click(app, "Stop")
    clock.may_go.set()
    assert finish(app, JobName.TRAFFIC).status == "succeeded"
    assert table(app, "Ended")["Ended"][0] == "stopped"
    assert len(sent(populated)) < 40
    assert app.button(key="traffic.send").label == "Send about 1,200 images"


@pytest.mark.parametrize(
    ("rate", "minutes", "words"), [(25.0, 1.0, "Choose a rate"), (20.0, 400.0, "at most 50,000 images")]
)
def test_what_cannot_be_sent_is_said_before_it_is_asked_for(
    visit: Visit, populated: Environment, rate: float, minutes: float, words: str
) -> None:
    app = opened(visit, populated)
    app.number_input(key="traffic.rate").set_value(rate)
    app.number_input(key="traffic.minutes").set_value(minutes).run()
    assert any(words in element.value for element in app.warning)
    assert "traffic.send" not in {button.key for button in app.button}


def test_a_mix_of_nothing_is_refused(visit: Visit, populated: Environment) -> None:
    app = opened(visit, populated)
    slider(app, "Bicycle").set_value(0)
    dial(app, "Motorcycle", 0)
    assert any("one above 0" in element.value for element in app.warning)
    assert errors(app) == []


def test_where_no_foreign_images_are_staged_none_can_be_asked_for(visit: Visit, populated: Environment) -> None:
    """The dataset has no class other."""
    app = opened(visit, populated)
    assert slider(app, "Foreign images, %").disabled
    assert "None are staged" in texts(app)


def test_a_day_is_as_long_as_is_chosen(visit: Visit, populated: Environment) -> None:
    app = opened(visit, populated)
    app.button_group(key="traffic.pattern").set_value("day and night").run()
    assert app.number_input(key="traffic.day").value == 3.0
    assert "midnight" in texts(app)


def test_without_a_dataset_the_page_leads_to_data_staging(visit: Visit, own: Environment) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    app = opened(visit, own)
    assert "none are staged" in texts(app)
    assert any("data_staging" in link for link in links(app))
    assert jobs.find(JobName.TRAFFIC) is None
