"""Evaluation: figures of answers that are known, a threshold that keeps a promise, and handing it to the workflow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.stats import binom
from sklearn.metrics import accuracy_score, precision_score, recall_score
from streamlit.testing.v1 import AppTest

from backend import evaluation, workflow
from backend.aws.environment import Environment
from backend.evaluation.record import Evaluation
from backend.progress import Progress
from pages.shared import JobName
from tests.backend.evaluation.answers import FIVE, KNOWN, drawn, image
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, finish, links, metrics, table, texts

PAGE = "evaluation"
OTHER = "other"
CHARTS = ["Confusion matrix", "Reliability diagram", "Coverage and accuracy", "Costs"]
Put = Callable[[Evaluation], None]


def job_of(project: Environment) -> str:
    jobs = project.sagemaker.list_training_jobs(NameContains=project.project, SortBy="CreationTime")
    return next(item["TrainingJobName"] for item in jobs["TrainingJobSummaries"])


def key_of(project: Environment) -> str:
    return f"models/{job_of(project)}/evaluation/evaluation.json"


def of_job(project: Environment, evaluated: Evaluation) -> Evaluation:
    """The evaluation as one of the project's model, on images that are in its bucket."""
    keys = sorted(cloud.keys_of_test_images(project))
    images = [
        replace(item, key=keys[number % len(keys)]) if item.key else item
        for number, item in enumerate(evaluated.images)
    ]
    return replace(evaluated, job=job_of(project), images=tuple(images))


@pytest.fixture
def put(populated: Environment) -> Iterator[Put]:
    """Puts an evaluation beside the project's model; gone with the test."""

    def put_beside(evaluated: Evaluation) -> None:
        body = TypeAdapter(Evaluation).dump_json(of_job(populated, evaluated))
        populated.s3.put_object(Bucket=populated.bucket, Key=key_of(populated), Body=body)

    yield put_beside
    populated.s3.delete_object(Bucket=populated.bucket, Key=key_of(populated))


@pytest.fixture
def changeable(populated: Environment) -> Iterator[Environment]:
    """The project; its threshold is as before when the test is over."""
    before = cloud.threshold(populated)
    yield populated
    workflow.update_threshold(populated, before)


def charts(app: AppTest) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def arrays(evaluated: Evaluation) -> tuple[Any, Any]:
    images = [item for item in evaluated.images if item.split == "test"]
    return np.array([item.label_index for item in images]), np.array([item.probabilities for item in images])


def test_a_model_that_was_not_evaluated_can_be(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    assert [button.label for button in app.button] == ["Evaluate"]
    assert app.selectbox(key="evaluation.job").value == job_of(populated)
    assert charts(app) == []
    assert errors(app) == []


@pytest.mark.parametrize(
    "labels", [KNOWN, (*KNOWN, OTHER), (*FIVE, OTHER)], ids=["two", "two and other", "five and other"]
)
def test_the_figures_are_those_of_the_answers(
    visit: Visit, populated: Environment, put: Put, labels: tuple[str, ...]
) -> None:
    evaluated = drawn(labels, 300, seed=1)
    put(evaluated)
    app = visit(populated, PAGE)
    truth, answers = arrays(evaluated)
    predicted = answers.argmax(axis=1)
    known = truth < len(set(labels) - {OTHER})
    assert metrics(app)["Accuracy"] == f"{accuracy_score(truth[known], predicted[known]):.1%}"
    assert ("Known called other" in metrics(app)) == (OTHER in labels)
    shown = table(app, "recall")
    assert shown["label"] == [label.replace("_", " ") for label in labels]
    recall = recall_score(truth, predicted, average=None, labels=range(len(labels)))
    precision = precision_score(truth, predicted, average=None, labels=range(len(labels)))
    assert shown["recall"] == pytest.approx(list(100 * recall))
    assert shown["precision"] == pytest.approx(list(100 * precision))
    assert charts(app) == CHARTS
    assert errors(app) == []
    assert "Nothing of the training has seen these images" in texts(app)


def test_a_test_split_that_chose_the_epoch_is_not_called_untouched(
    visit: Visit, populated: Environment, put: Put
) -> None:
    put(replace(drawn(KNOWN, 60, seed=1), is_untouched=False))
    app = visit(populated, PAGE)
    assert "not untouched" in app.warning[0].value
    assert "Nothing of the training has seen" not in texts(app)


def test_a_cell_of_the_matrix_leads_to_its_images(visit: Visit, populated: Environment, put: Put) -> None:
    evaluated = drawn(KNOWN, 60, seed=1, skill=1)
    put(evaluated)
    app = visit(populated, PAGE)
    truth, answers = arrays(evaluated)
    count = int(((truth == 0) & (answers.argmax(axis=1) == 1)).sum())
    key = next(element.key for element in app.get("plotly_chart") if element.proto.alt == "Confusion matrix")
    assert key is not None
    app.session_state[key] = {"selection": {"points": [{"customdata": ["cell", 0, 1]}]}}
    app.run()
    assert f"**{count} images of bicycle, answered as motorcycle**" in texts(app)
    assert errors(app) == []


def test_foreign_images_that_pass_are_counted_at_the_workflows_threshold(
    visit: Visit, populated: Environment, put: Put
) -> None:
    at = cloud.threshold(populated)
    foreign = [
        image(number, None, confidence, 0.0, 1 - confidence, split="foreign", drawn_from="ship")
        for number, confidence in enumerate((1.0, at, 0.3))
    ]
    evaluated = drawn((*KNOWN, OTHER), 60, seed=1)
    put(replace(evaluated, images=(*evaluated.images, *foreign)))
    shown = table(visit(populated, PAGE), "Seen in training")
    assert (shown["Evaluated"][0], shown["Pass"][0], shown["Seen in training"][0]) == (3, 2, "no")


def test_a_damaged_evaluation_is_told_and_can_be_made_again(visit: Visit, populated: Environment, put: Put) -> None:
    populated.s3.put_object(Bucket=populated.bucket, Key=key_of(populated), Body=b"{")
    app = visit(populated, PAGE)
    assert ["is damaged" in text for text in errors(app)] == [True]
    assert [button.label for button in app.button] == ["Evaluate"]


def test_a_promised_threshold_reaches_the_lambda(visit: Visit, changeable: Environment, put: Put) -> None:
    evaluated = drawn((*KNOWN, OTHER), 1_000, seed=2)
    put(evaluated)
    app = visit(changeable, PAGE)
    app.number_input(key="evaluation.target").set_value(90.0).run()
    [promise] = (element.value for element in app.success)
    threshold = float(re.findall(r"threshold \*\*([0-9.]+)\*\*", promise)[0])
    truth, answers = arrays(evaluated)
    passed = (truth < 2) & (answers.argmax(axis=1) != 2) & (answers.max(axis=1) >= threshold)
    wrong = passed & (answers.argmax(axis=1) != truth)
    assert f"of these {passed.sum():,}, {wrong.sum():,} are wrong" in promise
    assert binom.cdf(wrong.sum(), passed.sum(), 0.1) <= 0.05
    click(app, "Take this threshold")
    assert app.number_input(key="evaluation.threshold").value == threshold
    click(app, "Change the workflow's threshold")
    assert finish(app, JobName.WORKFLOW).status == "succeeded"
    assert cloud.threshold(changeable) == threshold
    [button] = (button for button in app.button if button.label == "Change the workflow's threshold")
    assert button.disabled


def test_a_threshold_can_be_typed_and_is_described(visit: Visit, populated: Environment, put: Put) -> None:
    put(drawn(KNOWN, 60, seed=1))
    app = visit(populated, PAGE)
    app.number_input(key="evaluation.threshold").set_value(0.77).run()
    _, answers = arrays(drawn(KNOWN, 60, seed=1))
    assert f"0.77 passes {(answers.max(axis=1) >= 0.77).mean():.1%} of the known test images" in texts(app)
    [button] = (button for button in app.button if button.label == "Change the workflow's threshold")
    assert not button.disabled


@pytest.mark.parametrize(("target", "needed"), [(98.0, 149), pytest.param(99.0, 299, marks=pytest.mark.slow)])
def test_too_few_images_are_told_with_how_many_would_do(
    visit: Visit, populated: Environment, put: Put, target: float, needed: int
) -> None:
    put(drawn(KNOWN, 60, seed=1))
    app = visit(populated, PAGE)
    app.number_input(key="evaluation.target").set_value(target).run()
    assert not app.success
    [said] = (element.value for element in app.warning if "do not suffice" in element.value)
    assert f"{needed} images that pass would be needed" in said


def test_without_a_workflow_the_page_leads_to_it(
    visit: Visit, populated: Environment, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drawn(KNOWN, 60, seed=1))
    monkeypatch.setattr("pages.shared.reads.describe_workflow", lambda _environment: None)
    app = visit(populated, PAGE)
    assert "No workflow is deployed that could take it." in texts(app)
    assert set(links(app)) == {"workflow"}
    assert "Change the workflow's threshold" not in [button.label for button in app.button]


def test_evaluating_shows_what_came_of_it(
    visit: Visit, populated: Environment, put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str, Path | None]] = []

    def evaluate(_project: Environment, job: str, progress: Progress, extra_images: Path | None) -> None:
        asked.append((job, extra_images))
        put(drawn(KNOWN, 60, seed=1))
        progress(1.0, "It is evaluated.")

    monkeypatch.setattr(evaluation, "evaluate_model", evaluate)
    app = visit(populated, PAGE)
    app.text_input(key="evaluation.folder").set_value(str(tmp_path)).run()
    click(app, "Evaluate")
    assert finish(app, JobName.EVALUATION).status == "succeeded"
    assert asked == [(job_of(populated), tmp_path)]
    assert app.success[0].value == "It is evaluated."
    assert charts(app) == CHARTS


def test_a_page_that_cannot_read_the_workflow_says_nothing_of_it(
    visit: Visit, populated: Environment, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drawn(KNOWN, 60, seed=1))

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pages.shared.reads.describe_workflow", fail)
    app = visit(populated, PAGE)
    assert "No workflow is deployed" not in texts(app)
    assert charts(app) == CHARTS


@pytest.mark.parametrize(
    ("broken", "stays"),
    [
        ("backend.charts.confusion_squares", CHARTS[1:]),
        pytest.param("backend.charts.reliability_diagram", [CHARTS[0], *CHARTS[2:]], marks=pytest.mark.slow),
        pytest.param("backend.charts.coverage_curve", [*CHARTS[:2], "Costs"], marks=pytest.mark.slow),
        ("backend.charts.cost_curve", CHARTS[:3]),
        ("backend.evaluation.figures.accuracy", CHARTS),
    ],
)
def test_a_bug_in_one_part_leaves_the_others(
    visit: Visit, populated: Environment, put: Put, monkeypatch: pytest.MonkeyPatch, broken: str, stays: list[str]
) -> None:
    put(drawn(KNOWN, 60, seed=1))

    def fail(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(broken, fail)
    app = visit(populated, PAGE)
    assert charts(app) == stays
    assert len(errors(app)) == 1
