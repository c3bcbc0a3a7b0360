"""Projects for pages to show, and a visitor who opens their pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from backend import cleanup, foundation, jobs
from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from backend.staging import OfflineSample
from pages.shared import JobName
from tests.conftest import PipelineRun
from tests.machine import two_at_once
from tests.pages.visits import Visit, Work
from tests.projects import of_project

APP = Path(__file__).parents[2] / "pages" / "main.py"
JOB_SECONDS = 60.0
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def components() -> BidiComponentManager:
    """What is installed of Streamlit's components: each visit would look through all packages anew, most of its CPU."""
    components = BidiComponentManager()
    components.discover_and_register_components(start_file_watching=False)
    return components


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, components: BidiComponentManager) -> Iterator[Visit]:
    """Opens a page of a project as a new session does, and ends the jobs that it started."""

    def open_page(project: Environment, page: str, **query: str) -> AppTest:
        # Opened already: making boto3's clients anew would take most of a visit's time.
        monkeypatch.setattr("pages.shared.environment.open_environment", lambda _settings: project)
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(APP, default_timeout=60)
        app._bidi_component_manager = components
        for name, value in query.items():
            app.query_params[name] = value
        # As `switch_page` does, which before the first run goes by the file's name instead of the page's address.
        app._page_hash = calc_hash("" if page == "overview" else page)
        app.run()
        assert not app.exception
        return app

    with two_at_once():
        yield open_page
    jobs.cancel_all(JOB_SECONDS)
    for name in JobName:
        jobs.dismiss(name)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A project of which nothing exists, on an embedded AWS in which nothing does."""
    settings = Settings(environment="embedded", state_dir=tmp_path_factory.mktemp("empty"), project="scones-empty")
    with closing(open_environment(settings)) as opened:
        yield opened


@pytest.fixture(scope="session")
def populated(pipeline_run: PipelineRun) -> Environment:
    """A project in which everything exists: 64 train images, and 8 test images that went through the workflow."""
    return pipeline_run.environment


@pytest.fixture
def own(environment: Environment) -> Iterator[Environment]:
    """A project of the test's own."""
    yield from made_project(environment)


def made_project(environment: Environment) -> Iterator[Environment]:
    """A project with its bucket and its roles, for as long as it is needed; whatever is left of it goes."""
    project = of_project(environment, f"scones-own-{next(_numbers)}")
    foundation.deploy_foundation(project)
    yield project
    cleanup.delete_resources(project, cleanup.list_resources(project))


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the offline sample that pages stage a small one: drawing the whole takes many seconds."""

    @dataclass(frozen=True)
    class SmallSample(OfflineSample):
        train_per_class: int = 6
        test_per_class: int = 2

    monkeypatch.setattr("pages.shared.source.OfflineSample", SmallSample)


@pytest.fixture
def work(visit: Visit) -> Iterator[Work]:
    """Work for a background job, ended before the visitor leaves."""
    work = Work()
    yield work
    work.may_end.set()
