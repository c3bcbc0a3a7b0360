"""The whole pipeline end to end on the embedded AWS: drawn images always, real ones where they are present."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend import demo
from backend.aws.environment import Environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.pipeline import figures as figures_module
from backend.staging import LocalArchive, OfflineSample, OtherOptions, StagedImage
from backend.training import TrainingOptions
from backend.workflow import NOT_A_KNOWN_CLASS, REJECTED, Outcome, Result
from tests.conftest import PipelineRun
from tests.projects import of_project

pytestmark = pytest.mark.system


def _assert_every_image_was_judged_and_captured_once(figures: dict[str, Any]) -> None:
    submitted = figures["test_images"]
    assert figures["executions"] == submitted
    assert sum(figures["outcomes"].get(end, 0) for end in ("passed", "rejected", "not a known class")) == submitted
    assert set(figures["errors"]) <= {REJECTED, NOT_A_KNOWN_CLASS}
    assert figures["captured_records"] == figures["captured_executions"] == submitted


def test_drawn_images_go_through_the_whole_pipeline(pipeline_run: PipelineRun) -> None:
    figures = pipeline_run.figures
    assert (figures["train_images"], figures["test_images"]) == (64, 8)
    assert figures["synthetic"]
    assert figures["labels"] == ["bicycle", "motorcycle"]
    assert not {"other_images", "foreign_images"} & set(figures)
    assert figures["validation_accuracy"] >= figures["last_validation_accuracy"]
    assert 1 <= figures["kept_epoch"] <= figures["last_epoch"]
    _assert_every_image_was_judged_and_captured_once(figures)


@pytest.mark.slow
def test_real_images_are_told_apart_by_a_trained_model(environment: Environment, real_archive: Path) -> None:
    options = PipelineOptions(LocalArchive(real_archive), other=None)
    figures = run_pipeline(of_project(environment, "scones-real"), options)
    assert (figures["train_images"], figures["validation_images"], figures["test_images"]) == (850, 150, 200)
    assert figures["validation_accuracy"] >= 0.85
    assert figures["accuracy"] >= 0.8
    _assert_every_image_was_judged_and_captured_once(figures)


FIVE = ("bicycle", "motorcycle", "bus", "tractor", "streetcar")


@pytest.mark.slow
def test_five_classes_and_what_is_none_of_them_go_through_the_whole_pipeline(environment: Environment) -> None:
    options = PipelineOptions(OfflineSample(20, 4), FIVE, training=TrainingOptions(epochs=1), threshold=0.3)
    figures = run_pipeline(of_project(environment, "scones-five"), options)
    assert figures["labels"] == [*FIVE, "other"]
    assert (figures["test_images"], figures["other_images"]) == (26, 6)  # 4 of each, and half as many more of other
    ends = figures["outcomes"]
    assert ends.get("not a known class", 0) == figures["errors"].get(NOT_A_KNOWN_CLASS, 0)
    assert ends.get("passed", 0) == round(26 * figures["pass_rate"])  # nothing that is other is among them
    _assert_every_image_was_judged_and_captured_once(figures)


@pytest.mark.parametrize(
    ("arguments", "labels", "has_other"),
    [
        ([], ("bicycle", "motorcycle"), True),
        (["--no-other"], ("bicycle", "motorcycle"), False),
        (["--labels", "bee, wolf,bicycle", "--archive", "a.tar.gz"], ("bee", "wolf", "bicycle"), True),
    ],
)
def test_the_demo_takes_labels_and_the_choice_of_other(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], labels: tuple[str, ...], has_other: bool
) -> None:
    taken: list[PipelineOptions] = []

    def run(_environment: Environment, options: PipelineOptions, _progress: object) -> dict[str, Any]:
        taken.append(options)
        return {}

    monkeypatch.setattr(demo, "open_environment", lambda _settings: nullcontext())
    monkeypatch.setattr(demo, "closing", lambda opened: opened)
    monkeypatch.setattr(demo, "run_pipeline", run)
    assert demo.main(arguments) == 0
    [options] = taken
    assert options.labels == labels
    assert (options.other == OtherOptions()) is has_other


def test_an_answer_other_passes_at_no_threshold_and_is_right_for_an_image_of_that_class() -> None:
    labels = ("bicycle", "motorcycle", "other")
    answers = {  # the image's class, the answer and its confidence
        "a": (0, 0, 0.99),  # passes, right
        "b": (1, 1, 0.50),  # rejected, right
        "c": (0, 2, 0.99),  # other, wrong
        "d": (2, 2, 0.99),  # other, right
        "e": (2, 0, 0.95),  # passes, wrong
    }
    images = [StagedImage(f"{name}.png", labels[true], true, "test", name) for name, (true, _, _) in answers.items()]
    results = [
        Result(position, f"{name}.png", name, Outcome.PASSED, datetime.now(UTC), None)
        for position, name in enumerate(answers)
    ]
    records = [
        {"inference_id": name, "class_index": answer, "confidence": confidence}
        for name, (_, answer, confidence) in answers.items()
    ]
    figures = figures_module._capture_figures(records, results, images, labels, 0.93)
    assert (figures["accuracy"], figures["pass_rate"]) == (3 / 5, 2 / 5)


def test_images_of_which_none_was_classified_have_no_accuracy() -> None:
    figures = figures_module._capture_figures([], [], [], ("bicycle", "motorcycle"), 0.93)
    assert (figures["captured_records"], figures["accuracy"], figures["pass_rate"]) == (0, None, None)
