"""The overview: what exists of each step, as AWS has it."""

from __future__ import annotations

from collections import Counter

import pytest
import streamlit as st

from backend.aws.environment import Environment
from pages.shared import JobName
from tests.pages import cloud
from tests.pages.visits import Visit, Work, click, finish, links, table, texts
from tests.projects import await_captured


def test_when_every_step_is_done_it_says_so_and_leads_to_each(visit: Visit, populated: Environment) -> None:
    app = visit(populated, "overview")
    assert [element.value for element in app.success] == [
        "Every step is done. Submit more images, or watch the confidences."
    ]
    assert links(app) == ["data_staging", "training", "deployment", "workflow", "test_images", "monitoring"]
    assert [button.label for button in app.button] == ["Run the whole pipeline"]


def test_the_images_are_counted_as_the_bucket_has_them(visit: Visit, populated: Environment) -> None:
    prefix = f"datasets/{cloud.current_dataset(populated)}"
    splits = ("train", "validation", "test")
    train, validation, test = (len(cloud.keys(populated, f"{prefix}/{split}/")) for split in splits)
    shown = texts(visit(populated, "overview"))
    sizes = f"{train} train, {validation} validation and {test} test"
    assert f"{sizes} synthetic images of bicycle and motorcycle." in shown


def test_the_executions_are_counted_by_how_they_ended(visit: Visit, populated: Environment) -> None:
    verdicts = (cloud.execution(populated, name)["verdict"] for name in list(cloud.execution_arns(populated))[:50])
    counts = Counter("passed" if verdict["meets_threshold"] else "rejected" for verdict in verdicts)
    shown = texts(visit(populated, "overview"))
    [line] = (line for line in shown.splitlines() if line.startswith("Newest executions"))
    assert all(f"{count} {outcome}" in line for outcome, count in counts.items())


def test_the_captured_records_are_counted_as_the_files_have_them(visit: Visit, populated: Environment) -> None:
    await_captured(populated)  # what other tests sent a moment ago
    visit(populated, "monitoring")  # which reads them
    count = len(cloud.captured(populated))
    assert f"{count} captured records in " in texts(visit(populated, "overview"))


def test_a_background_job_is_shown_while_it_runs(visit: Visit, populated: Environment, work: Work) -> None:
    work.start(JobName.CLEANUP, "Deleting resources")
    app = visit(populated, "overview")
    [progress] = app.progress
    assert (progress.value, progress.text) == (40, "**Deleting resources.** Two of five.")
    click(app, "Cancel")
    work.may_end.set()
    finish(app, JobName.CLEANUP)
    assert not app.progress


def test_a_run_that_broke_off_can_be_gone_on_with(visit: Visit, own: Environment) -> None:
    app = visit(own, "overview")
    app.segmented_control(key="overview.source").set_value("Archive").run()
    app.text_input(key="overview.path").set_value("/no/such/archive.tar.gz").run()
    click(app, "Run the whole pipeline")
    assert finish(app, JobName.PIPELINE).status == "failed"
    assert table(app, "Stage")["State"] == ["under way", *["waits"] * 5]
    click(app, "Go on with the last run")
    job = finish(app, JobName.PIPELINE)
    assert "/no/such/archive.tar.gz" in str(job.error)


def test_how_far_the_whole_pipeline_is_stands_below_its_progress(
    visit: Visit, populated: Environment, work: Work
) -> None:
    work.start(JobName.PIPELINE, "The whole pipeline")
    shown = table(visit(populated, "overview"), "Stage")
    job = populated.sagemaker.list_training_jobs(NameContains=populated.project)["TrainingJobSummaries"][0]
    assert shown["Stage"] == ["Data staging", "Training", "Deployment", "Workflow", "Test images", "Monitoring"]
    assert shown["State"] == ["done"] * 6
    assert shown["Made"][:2] == [cloud.current_dataset(populated), job["TrainingJobName"]]


def test_whoever_watched_the_whole_pipeline_is_brought_to_monitoring(
    visit: Visit, populated: Environment, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    led_to: list[str] = []
    monkeypatch.setattr(st, "switch_page", led_to.append)  # Streamlit's test runner knows one page
    work.start(JobName.PIPELINE, "The whole pipeline")
    app = visit(populated, "overview")
    work.may_end.set()
    finish(app, JobName.PIPELINE)
    assert led_to == ["monitoring/page.py"]
    led_to.clear()
    visit(populated, "overview")
    assert not led_to


def test_while_the_whole_pipeline_runs_no_step_is_offered_as_the_next(
    visit: Visit, empty: Environment, work: Work
) -> None:
    work.start(JobName.PIPELINE, "The whole pipeline")
    app = visit(empty, "overview")
    assert "Continue" not in [button.label for button in app.button]
    work.may_end.set()
