"""The whole pipeline end to end on the embedded AWS: drawn images always, real ones where they are present."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.staging import LocalArchive
from backend.workflow import REJECTED
from tests.conftest import PipelineRun
from tests.projects import of_project


def _assert_every_image_was_judged_and_captured_once(figures: dict[str, Any]) -> None:
    submitted = figures["test_images"]
    assert figures["executions"] == submitted
    assert figures["outcomes"].get("passed", 0) + figures["outcomes"].get("rejected", 0) == submitted
    assert set(figures["errors"]) <= {REJECTED}
    assert figures["captured_records"] == figures["captured_executions"] == submitted


def test_drawn_images_go_through_the_whole_pipeline(pipeline_run: PipelineRun) -> None:
    figures = pipeline_run.figures
    assert (figures["train_images"], figures["test_images"]) == (64, 8)
    assert figures["synthetic"]
    _assert_every_image_was_judged_and_captured_once(figures)


@pytest.mark.slow
def test_real_images_are_told_apart_by_a_trained_model(environment: Environment, real_archive: Path) -> None:
    options = PipelineOptions(LocalArchive(real_archive), other=None)
    figures = run_pipeline(of_project(environment, "scones-real"), options)
    assert (figures["train_images"], figures["validation_images"], figures["test_images"]) == (850, 150, 200)
    assert figures["validation_accuracy"] >= 0.85
    assert figures["accuracy"] >= 0.8
    _assert_every_image_was_judged_and_captured_once(figures)
