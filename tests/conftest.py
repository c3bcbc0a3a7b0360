"""What tests share: one embedded AWS for the whole run, and the real data where it is present."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment, open_environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample
from backend.training import TrainingOptions
from tests.projects import of_project

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The embedded AWS on a state folder of its own; ended with the run."""
    settings = Settings(environment="embedded", state_dir=tmp_path_factory.mktemp("scones"), project="scones-test")
    with closing(open_environment(settings)) as opened:
        yield opened


@dataclass(frozen=True)
class PipelineRun:
    """A project in which everything exists, and the figures of the run that made it."""

    environment: Environment
    figures: dict[str, Any]


@pytest.fixture(scope="session")
def pipeline_run(environment: Environment) -> PipelineRun:
    """The whole pipeline, once: 64 drawn train images, and 8 test images that went through the workflow."""
    project = of_project(environment, "scones-pages")
    options = PipelineOptions(OfflineSample(32, 4), training=TrainingOptions(epochs=1), threshold=0.6)
    return PipelineRun(project, run_pipeline(project, options))


def _present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"real data is not here: {path.name} is not part of the project")
    return path


@pytest.fixture(scope="session")
def real_archive() -> Path:
    """CIFAR-100 cut down to bicycles and motorcycles, 1,000 train and 200 test images."""
    return _present(SHARED_DATA / "cifar-100-bikes.tar.gz")


@pytest.fixture(scope="session")
def captured_files() -> Path:
    """Capture files that a real SageMaker endpoint wrote in October 2024: 12 files, 22 records."""
    return _present(SHARED_DATA / "captured")


@pytest.fixture(scope="session")
def other_images() -> Path:
    """CIFAR-10 test images of classes that the model was never trained on."""
    return _present(SHARED_DATA / "other-images")
