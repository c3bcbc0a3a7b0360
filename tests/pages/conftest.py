"""Projects for pages to show, and a visitor who opens their pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend import jobs
from backend.environment import Environment, open_environment
from backend.model import TrainingOptions
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample
from tests.pages.visits import Visit

APP = Path(__file__).parents[2] / "streamlit_app.py"
JOBS = ("staging", "workflow", "test_images", "cleanup")
JOB_SECONDS = 60.0


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """Opens a page of a project as a new session does, and ends the jobs that it started."""

    def open_page(project: Environment, page: str) -> AppTest:
        monkeypatch.setenv("SCONES_ENVIRONMENT", "embedded")
        monkeypatch.setenv("SCONES_STATE_DIR", str(project.settings.state_dir))
        monkeypatch.setenv("SCONES_PROJECT", project.project)
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(APP, default_timeout=60).run().switch_page(f"pages/{page}.py").run()
        assert not app.exception
        return app

    yield open_page
    jobs.cancel_all(JOB_SECONDS)
    for name in JOBS:
        jobs.dismiss(name)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A project of which nothing exists, on an embedded AWS in which nothing does."""
    settings = Settings(environment="embedded", state_dir=tmp_path_factory.mktemp("empty"), project="scones-empty")
    with closing(open_environment(settings)) as opened:
        yield opened


@pytest.fixture(scope="session")
def populated(environment: Environment) -> Environment:
    """A project in which everything exists: 64 train images, and 8 test images that went through the workflow."""
    project = replace(environment, settings=environment.settings.model_copy(update={"project": "scones-pages"}))
    options = PipelineOptions(OfflineSample(32, 4), training=TrainingOptions(epochs=1), threshold=0.6)
    run_pipeline(project, options)
    return project
