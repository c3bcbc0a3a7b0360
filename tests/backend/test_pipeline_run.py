"""A run of the whole pipeline that broke off goes on where it was, and makes nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend import staging, training, workflow
from backend.aws.environment import Environment
from backend.errors import NotFound
from backend.jobs import Cancelled
from backend.pipeline import PipelineOptions, PipelineRun, Stage, StageRecord, read_run, resume_run, start_run
from backend.pipeline.record import _JSON
from backend.progress import Progress
from tests.projects import of_project

pytestmark = pytest.mark.system

OPTIONS = PipelineOptions(
    staging.OfflineSample(20, 4), other=None, training=training.TrainingOptions(epochs=1), threshold=0.3
)

IMAGES = 8  # 4 of each class


def cancelled_at(words: str) -> Progress:
    """As a person who presses Cancel when these words are shown."""

    def progress(_fraction: float, message: str) -> None:
        if words in message:
            raise Cancelled

    return progress


@pytest.mark.parametrize(
    "source",
    [
        staging.UniversityDownload("https://mirror.example/a.tar.gz"),
        staging.LocalArchive(Path("/data/a.tar.gz")),
        staging.OfflineSample(),
        staging.OfflineSample(20, 4),
    ],
)
def test_a_run_is_read_as_it_was_written(source: staging.Source) -> None:
    run = PipelineRun(
        PipelineOptions(source, other=staging.OtherOptions(material=Path("/data/others"))),
        datetime.now(UTC),
        {Stage.STAGING: StageRecord(datetime.now(UTC), made="20261126-000000-000000")},
    )
    assert _JSON.validate_json(_JSON.dump_json(run)) == run


def test_what_is_made_anew_makes_what_was_made_of_it_old() -> None:
    now = datetime.now(UTC)
    run = PipelineRun(OPTIONS, now, {stage: StageRecord(now, now, f"old {stage}") for stage in Stage})
    changed = run.begun(Stage.TRAINING).making(Stage.TRAINING, "new job").ended(Stage.TRAINING)
    assert changed.made(Stage.STAGING) == "old staging"
    assert changed.made(Stage.TRAINING) == "new job"
    assert changed.next_stage is Stage.DEPLOYMENT
    assert changed.made(Stage.DEPLOYMENT) is None


def test_without_a_run_there_is_none_to_go_on_with(environment: Environment) -> None:
    with pytest.raises(NotFound, match="Start one"):
        resume_run(of_project(environment, "scones-no-run"))


def test_a_cancelled_run_goes_on_where_it_was_and_makes_nothing_twice(environment: Environment) -> None:
    project = of_project(environment, "scones-run")
    with pytest.raises(Cancelled):
        start_run(project, OPTIONS, cancelled_at("Training job"))
    assert stopped_at(project) is Stage.TRAINING
    with pytest.raises(Cancelled):
        resume_run(project, cancelled_at("images went through"))
    assert stopped_at(project) is Stage.TEST_IMAGES
    run = resume_run(project)
    assert run.next_stage is None
    assert [job.name for job in training.list_training_jobs(project)] == [run.made(Stage.TRAINING)]
    executions = project.stepfunctions.list_executions(stateMachineArn=project.names.state_machine_arn)["executions"]
    assert len(executions) == IMAGES
    batches = workflow.list_batches(project).batches
    assert [(batch.batch_id, batch.remaining) for batch in batches] == [(run.made(Stage.TEST_IMAGES), 0)]
    assert resume_run(project) == run
    assert read_run(project) == run


def stopped_at(project: Environment) -> Stage | None:
    run = read_run(project)
    assert run is not None
    return run.next_stage
