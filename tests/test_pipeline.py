"""The whole pipeline end to end on the embedded AWS: drawn images always, real ones where they are present."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.environment import open_environment
from backend.model import TrainingOptions
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import LocalArchive, OfflineSample
from backend.workflow import REJECTED


def _run(state_dir: Path, options: PipelineOptions) -> dict[str, Any]:
    settings = Settings(environment="embedded", state_dir=state_dir, project="scones-pipeline")
    with closing(open_environment(settings)) as environment:
        return run_pipeline(environment, options)


def _assert_every_image_was_judged_and_captured_once(figures: dict[str, Any]) -> None:
    submitted = figures["test_images"]
    assert figures["executions"] == submitted
    assert figures["outcomes"].get("passed", 0) + figures["outcomes"].get("rejected", 0) == submitted
    assert set(figures["errors"]) <= {REJECTED}
    assert figures["captured_records"] == figures["captured_executions"] == submitted


def test_drawn_images_go_through_the_whole_pipeline(tmp_path: Path) -> None:
    source = OfflineSample(train_per_class=64, test_per_class=8)
    figures = _run(tmp_path, PipelineOptions(source, training=TrainingOptions(epochs=2)))
    assert (figures["train_images"], figures["test_images"]) == (128, 16)
    assert figures["synthetic"]
    _assert_every_image_was_judged_and_captured_once(figures)


@pytest.mark.slow
def test_real_images_are_told_apart_by_a_trained_model(tmp_path: Path, real_archive: Path) -> None:
    figures = _run(tmp_path, PipelineOptions(LocalArchive(real_archive)))
    assert (figures["train_images"], figures["test_images"]) == (1000, 200)
    assert figures["validation_accuracy"] >= 0.85
    assert figures["accuracy"] == pytest.approx(figures["validation_accuracy"], abs=0.02)
    _assert_every_image_was_judged_and_captured_once(figures)
