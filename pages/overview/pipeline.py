"""The whole pipeline at one press: what it is to take, how far it is, and going on where it stopped."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from functools import partial

import pandas as pd
import streamlit as st

from backend import jobs, pipeline
from backend.aws.environment import Environment
from backend.pipeline import PipelineOptions, PipelineRun, Stage
from pages.shared.environment import action, part
from pages.shared.live import JobName, follow_job, is_running
from pages.shared.paths import PagePath
from pages.shared.source import choose_source, name_archive
from pages.shared.times import format_duration

_SECONDS = 1.0
_NARROW = st.column_config.Column(width="small")
_WATCHED = "overview.pipeline.watched"
_PAGES = {
    Stage.STAGING: PagePath.DATA_STAGING,
    Stage.TRAINING: PagePath.TRAINING,
    Stage.DEPLOYMENT: PagePath.DEPLOYMENT,
    Stage.WORKFLOW: PagePath.WORKFLOW,
    Stage.TEST_IMAGES: PagePath.TEST_IMAGES,
    Stage.CAPTURES: PagePath.MONITORING,
}
_ABOUT = (
    "Stages the images of bicycles and motorcycles with a class for everything else, trains and deploys the "
    "classifier, deploys the workflow, sends every test image through it and reads what the endpoint captured. It "
    "goes on when this page is left, and what it makes is the project's own: every page shows its part."
)


def draw_pipeline(environment: Environment) -> None:
    """The way to start a run of the whole pipeline, or to go on with one, and how far it is."""
    follow_job(JobName.PIPELINE, partial(_draw_stages, environment), seconds=_SECONDS)
    if is_running(JobName.PIPELINE):
        return
    _show_the_end()
    with part():
        stopped_at = _stopped_at(environment)
        with st.expander("Run the whole pipeline", icon=":material/rocket_launch:"):
            st.caption(_ABOUT)
            source = choose_source(environment, "overview", partial(name_archive, "overview"))
            if stopped_at is not None:
                st.caption(f"The last run has got as far as: {_PAGES[stopped_at].heading}.")
            with st.container(horizontal=True):
                start = st.button(
                    "Run the whole pipeline", icon=":material/play_arrow:", type="primary", disabled=source is None
                )
                go_on = stopped_at is not None and st.button("Go on with the last run", icon=":material/resume:")
        if start and source is not None:
            with action("The pipeline runs"):
                _start(partial(pipeline.start_run, environment, PipelineOptions(source)))
        elif go_on:
            with action("The pipeline goes on"):
                _start(partial(pipeline.resume_run, environment))


def _start(work: jobs.Work) -> None:
    jobs.start(JobName.PIPELINE, "The whole pipeline", work, "The whole pipeline is done.")


def _show_the_end() -> None:
    """Bring whoever watches a run come to its end on to the page that shows what came of it."""
    job = jobs.find(JobName.PIPELINE)
    watched_at: float = st.session_state.pop(_WATCHED, -math.inf)
    is_watched = time.monotonic() - watched_at < 5 * _SECONDS
    if is_watched and job is not None and job.status is jobs.Status.SUCCEEDED:
        st.switch_page(PagePath.MONITORING)


def _stopped_at(environment: Environment) -> Stage | None:
    """The stage at which the last run broke off; None where there was none, or it came to its end."""
    run = pipeline.read_run(environment)
    return run.next_stage if run is not None else None


def _draw_stages(environment: Environment, goes_on: bool) -> None:
    if goes_on:
        st.session_state[_WATCHED] = time.monotonic()
    run = pipeline.read_run(environment)
    if run is not None:
        st.dataframe(
            pd.DataFrame([_row(run, stage) for stage in Stage]),
            hide_index=True,
            height="content",
            placeholder="-",
            column_config={"Stage": _NARROW, "State": _NARROW, "Time": _NARROW},
        )


def _row(run: PipelineRun, stage: Stage) -> dict[str, object]:
    record = run.stages.get(stage)
    if record is None:
        return {"Stage": _PAGES[stage].heading, "State": "waits", "Time": "-", "Made": None}
    seconds = record.seconds or (datetime.now(UTC) - record.started_at).total_seconds()
    state = "done" if record.ended_at else "under way"
    return {"Stage": _PAGES[stage].heading, "State": state, "Time": format_duration(seconds), "Made": record.made}
