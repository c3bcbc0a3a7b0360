"""What fails is said in its part of a page; every other part stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend import jobs
from backend.aws.environment import Environment
from backend.progress import Progress
from pages.shared import JobName
from tests import answers
from tests.pages.visits import JOB_SECONDS, Visit, click, errors, finish, metrics, table, texts

BUG = "This part of the page could not be drawn: ZeroDivisionError. The app's log has the details."
OUTAGES = [
    pytest.param(answers.denied, "Not yours.", id="denied"),
    pytest.param(answers.unreachable, "AWS could not be reached", id="unreachable"),
]
Failure = Callable[[dict[str, Any]], None]


def fail(*_arguments: object, **_options: object) -> None:
    raise ZeroDivisionError


def shown(app: AppTest) -> list[str]:
    """The texts of a page, its titles, the names of what can be clicked and read there, and of its charts."""
    named = [*app.button, *app.expander, *app.metric, *app.number_input]
    valued = [*app.main.markdown, *app.main.caption, *app.subheader]
    charts = [chart.proto.alt for chart in app.get("plotly_chart")]
    columns = [str(column) for frame in app.dataframe for column in frame.value.columns]
    return [*charts, *columns, *(item.label for item in named), *(item.value for item in valued)]


@pytest.mark.parametrize(
    ("page", "broken", "stays"),
    [
        ("overview", "pages.shared.reads.describe_steps", {"From images to a monitored workflow"}),
        ("data_staging", "pages.data_staging.dataset.draw_dataset", {"Stage images", "Staged images"}),
        ("data_staging", "pages.shared.source.choose_source", {"Staged images"}),
        ("data_staging", "pages.data_staging.gallery.draw_gallery", {"Stage images", "Near-duplicates"}),
        ("training", "pages.training.options.choose_options", {"Validation accuracy", "Accuracy by epoch"}),
        ("training", "backend.charts.accuracy_by_epoch", {"Start training", "Validation accuracy", "Hyperparameter"}),
        ("deployment", "pages.deployment.endpoint.draw_endpoint", {"Deploy model"}),
        ("deployment", "pages.deployment.form.choose_deployment", {"Delete endpoint"}),
        ("workflow", "backend.workflow.workflow_graph", {"Change threshold"}),
        ("test_images", "pages.test_images.picker.draw_submission", {"Execution", "Predicted", "State"}),
        ("test_images", "pages.test_images.executions.draw_executions", {"Submit images"}),
        ("test_images", "backend.charts.probabilities_bar", {"Submit images", "Execution", "State"}),
        (
            "test_images",
            "pages.test_images.execution.workflow_graph",
            {"Predicted", "State", "Probability of each class"},
        ),
        ("monitoring", "pages.monitoring.health.draw_health", {"Confidence over time", "Histogram of confidences"}),
        ("monitoring", "backend.charts.confidence_points", {"Records", "Images", "Histogram of confidences"}),
        ("monitoring", "backend.charts.traffic", {"Records", "Confidence over time", "Images"}),
        ("monitoring", "backend.charts.pass_rate", {"Records", "Confidence over time", "Predicted classes"}),
        ("monitoring", "backend.charts.class_mix", {"Records", "Confidence over time", "Pass rate"}),
        ("monitoring", "backend.charts.confidence_histogram", {"Records", "Confidence over time", "Images"}),
        ("monitoring", "pages.shared.reads.captured_images", {"Records", "Histogram of confidences", "Images"}),
        ("monitoring", "pages.shared.reads.compare_captures", {"Records", "Confidence over time", "Images"}),
        ("monitoring", "pages.monitoring.wall.draw_wall", {"Records", "Histogram of confidences"}),
        ("cleanup", "pages.shared.reads.list_resources", {"Everything that this project made"}),
    ],
)
def test_a_bug_in_one_part_leaves_the_others(
    visit: Visit,
    populated: Environment,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    broken: str,
    stays: set[str],
) -> None:
    monkeypatch.setattr(broken, fail)
    app = visit(populated, page)
    assert errors(app) == [BUG]
    assert {text for text in stays if any(text in line for line in shown(app))} == stays
    assert populated.project in app.sidebar.caption[0].value


def test_a_bug_in_the_sidebar_leaves_the_page(
    visit: Visit, empty: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.shared.draw_environment", fail)
    app = visit(empty, "overview")
    assert [element.value for element in app.sidebar.error] == [BUG]
    assert [button.label for button in app.button] == ["Run the whole pipeline", "Continue"]


def test_what_is_followed_may_fail_and_is_followed_on() -> None:
    def script() -> None:
        import streamlit as st

        from pages.shared import follow

        def draw() -> bool:
            st.session_state["draws"] = st.session_state.get("draws", 0) + 1
            if st.session_state["draws"] == 1:
                raise ZeroDivisionError
            st.caption("Drawn.")
            return True

        follow(draw, is_changing=True)
        st.caption("What is below stays.")

    app = AppTest.from_function(script).run()
    assert errors(app) == [BUG]
    assert [element.value for element in app.caption] == ["What is below stays."]
    app.run()
    assert errors(app) == []
    assert [element.value for element in app.caption] == ["Drawn.", "What is below stays."]
    assert not app.exception


@pytest.mark.parametrize(("fails", "words"), OUTAGES)
def test_labels_that_cannot_be_read_are_not_shown_as_unknown(
    visit: Visit, populated: Environment, fails: Failure, words: str
) -> None:
    """It is said, and below no image does a word stand of what it is."""
    with answers.changed(populated.s3, "GetObject", fails):
        app = visit(populated, "monitoring")
    assert errors(app)
    assert all(words in error for error in errors(app))
    captions = [element.value for element in app.main.caption if element.value.startswith(("bicycle", "motorcycle"))]
    assert captions
    assert set(captions) <= {"bicycle", "motorcycle"}
    assert len(app.get("plotly_chart")) == 5


@pytest.mark.parametrize(("fails", "words"), OUTAGES)
def test_pictures_that_cannot_be_read_are_not_shown_as_gone(
    visit: Visit, populated: Environment, fails: Failure, words: str
) -> None:
    with answers.changed(populated.s3, "GetObject", fails):
        app = visit(populated, "test_images")
    assert errors(app)
    assert all(words in error for error in errors(app))
    columns = set(table(app, "Execution"))
    assert "Execution" in columns
    assert columns.isdisjoint({"Image", "True class"})
    assert "True class" not in metrics(app)


def test_a_workflow_that_cannot_be_read_is_not_shown_as_missing(visit: Visit, populated: Environment) -> None:
    with answers.changed(populated.cloudformation, "DescribeStacks", answers.denied):
        app = visit(populated, "workflow")
    [error] = errors(app)
    assert "Not yours." in error
    assert "No workflow is deployed yet." not in texts(app)


def test_a_dataset_that_cannot_be_read_is_not_shown_as_missing(visit: Visit, populated: Environment) -> None:
    with answers.changed(populated.s3, "GetObject", answers.denied):
        app = visit(populated, "training")
    assert "Not yours." in errors(app)[0]
    assert "none are staged" not in texts(app)
    assert table(app, "Job")["Job"]


def test_a_job_that_finished_before_it_could_be_cancelled_says_so(visit: Visit, empty: Environment) -> None:
    reported, may_end = threading.Event(), threading.Event()

    def last_step(progress: Progress) -> None:
        progress(1.0, "Staged 4 images.")
        reported.set()
        assert may_end.wait(JOB_SECONDS)

    jobs.start(JobName.STAGING, "Staging images", last_step)
    try:
        assert reported.wait(JOB_SECONDS)
        app = visit(empty, "data_staging")
        click(app, "Cancel")
    finally:
        may_end.set()
    assert finish(app, JobName.STAGING).status == "succeeded"
    assert [element.value for element in app.success] == [
        "Staged 4 images. It had finished before it could be cancelled."
    ]
