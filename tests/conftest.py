"""What tests share: one embedded AWS for the whole run, and the real data where it is present."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from backend.aws.environment import Environment, open_environment
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample
from backend.training import TrainingOptions
from tests.machine import two_at_once
from tests.projects import of_project

if TYPE_CHECKING:
    from tests.sharing import Sharing

# Threads of PyTorch wait for each other in a loop: where others need the cores, a training takes seven times the CPU.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn"})
"""Python's audit events for another process."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="skip each test when it starts a process or needs PyTorch")


def pytest_configure(config: pytest.Config) -> None:
    """Find out while they run which tests are quick, so that nobody has to keep a list of those that are not."""
    if quick := config.getoption("--quick"):
        sys.addaudithook(_skip_at_start)
        # A test that is left in the middle leaves behind what it opened.
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
    if quick or find_spec("torch") is None:
        sys.meta_path.insert(0, _WithoutTorch())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, begin those that take longest first."""
    if config.pluginmanager.hasplugin("xdist"):
        from tests.sharing import order

        items.sort(key=lambda item: order(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    from tests.sharing import Sharing

    return Sharing(config, log)


def _skip_at_start(event: str, _arguments: tuple[object, ...]) -> None:
    if event in STARTS and "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip("starts a process: `make check` runs it")


class _WithoutTorch(MetaPathFinder):
    """Skips the module, or the test, that imports PyTorch."""

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        if fullname == "torch":
            pytest.skip("needs PyTorch: `make check` runs it", allow_module_level=True)


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
    options = PipelineOptions(OfflineSample(38, 4), other=None, training=TrainingOptions(epochs=1), threshold=0.6)
    with two_at_once():
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
