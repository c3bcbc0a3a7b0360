"""What tests share: one embedded AWS for the whole run, and the real data where it is present."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.environment import Environment, open_environment
from backend.settings import Settings

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The embedded AWS on a state folder of its own; ended with the run."""
    settings = Settings(environment="embedded", state_dir=tmp_path_factory.mktemp("scones"), project="scones-test")
    with closing(open_environment(settings)) as opened:
        yield opened


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
