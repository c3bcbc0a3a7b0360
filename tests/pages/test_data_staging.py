"""Data staging: from each source, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from backend.staging import drawing
from pages.shared import JobName
from tests.backend.staging.archives import small_members, write_archive
from tests.pages import cloud
from tests.pages.visits import Visit, Work, click, errors, finish, table, texts

PAGE = "data_staging"


def choose(app: AppTest, source: str) -> None:
    app.button_group(key="data_staging.source").set_value(source).run()


def stage(app: AppTest) -> str:
    """Stage what is chosen; returns how the job ended."""
    click(app, "Stage images")
    return finish(app, JobName.STAGING).status


def stage_path(app: AppTest, path: Path) -> str:
    choose(app, "Archive")
    app.text_input(key="data_staging.path").set_value(str(path)).run()
    return stage(app)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small CIFAR-100: two bicycles and two motorcycles in each split."""
    return write_archive(tmp_path / "small.tar.gz", small_members())


@pytest.fixture
def truncated(archive: Path) -> Path:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    return archive


@pytest.mark.usefixtures("small_sample")
def test_the_offline_sample_is_staged(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    assert stage(app) == "succeeded"
    assert len(cloud.keys_of_test_images(own)) == 4
    assert [element.value for element in app.success] == ["The images are staged."]
    assert table(app, "Train") == {"Train": [6, 6, 12], "Test": [2, 2, 4]}


@pytest.mark.usefixtures("small_sample")
def test_the_chosen_classes_are_staged(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    app.multiselect[0].set_value(["bus", "tractor", "bicycle"]).run()
    assert stage(app) == "succeeded"
    names = [key.split("/")[-1].split("_")[0] for key in cloud.keys_of_test_images(own)]
    assert sorted(set(names)) == ["bicycle", "bus", "tractor"]


@pytest.mark.usefixtures("small_sample")
def test_one_class_alone_is_refused(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    app.multiselect[0].set_value(["bicycle"]).run()
    assert stage(app) == "failed"
    assert "two" in errors(app)[0]
    assert cloud.keys(own, "datasets/") == []


@pytest.mark.usefixtures("small_sample")
def test_staging_the_same_again_says_that_the_images_are_staged(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    stage(app)
    before = cloud.keys(own, "datasets/")
    stage(app)
    assert [element.value for element in app.success] == ["The images are staged."]
    assert cloud.keys(own, "datasets/") == before


def test_an_archive_is_staged_from_its_path(visit: Visit, own: Environment, archive: Path) -> None:
    app = visit(own, PAGE)
    assert stage_path(app, archive) == "succeeded"
    assert len(cloud.keys_of_test_images(own)) == 4
    assert "Synthetic images" not in texts(app)


def test_an_archive_is_staged_from_an_upload(visit: Visit, own: Environment, archive: Path) -> None:
    app = visit(own, PAGE)
    choose(app, "Archive")
    app.file_uploader[0].upload("small.tar.gz", archive.read_bytes(), "application/gzip").run()
    assert stage(app) == "succeeded"
    assert len(cloud.keys_of_test_images(own)) == 4


def test_a_missing_path_is_named_and_nothing_is_staged(visit: Visit, own: Environment, tmp_path: Path) -> None:
    app = visit(own, PAGE)
    assert stage_path(app, tmp_path / "missing.tar.gz") == "failed"
    assert "missing.tar.gz" in errors(app)[0]
    assert cloud.keys(own, "datasets/") == []


def test_a_truncated_archive_is_refused_and_nothing_is_staged(visit: Visit, own: Environment, truncated: Path) -> None:
    app = visit(own, PAGE)
    assert stage_path(app, truncated) == "failed"
    assert "ends too early" in errors(app)[0]
    assert cloud.keys(own, "datasets/") == []
    assert "No images are staged yet." in texts(app)


@pytest.mark.usefixtures("small_sample")
def test_a_failure_leaves_the_staged_images_as_they_were(visit: Visit, own: Environment, truncated: Path) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    stage(app)
    before = cloud.current_dataset(own), cloud.keys(own, "datasets/")
    assert stage_path(app, truncated) == "failed"
    assert (cloud.current_dataset(own), cloud.keys(own, "datasets/")) == before
    assert table(app, "Train")["Train"] == [6, 6, 12]


def test_without_a_path_there_is_nothing_to_start(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Archive")
    [button] = (button for button in app.button if button.label == "Stage images")
    assert button.disabled


@pytest.mark.usefixtures("small_sample")
def test_a_cancelled_staging_leaves_nothing(visit: Visit, own: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, may_go_on = threading.Event(), threading.Event()

    def draw(*arguments: Any) -> Any:
        drawn.set()
        assert may_go_on.wait(60)
        return drawing.draw(*arguments)

    monkeypatch.setattr("backend.staging.sample.draw", draw)
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    app.multiselect[0].set_value(["bus", "streetcar"]).run()  # drawn by no other test: what is drawn once is kept
    click(app, "Stage images")
    assert drawn.wait(60)
    click(app, "Cancel")
    assert [button.label for button in app.button if button.disabled] == ["Cancelling", "Stage images"]
    may_go_on.set()
    assert finish(app, JobName.STAGING).status == "cancelled"
    assert [element.value for element in app.info] == ["Staging images was cancelled."]
    assert cloud.keys(own, "datasets/") == []


def test_while_a_staging_runs_no_second_one_can_be_started(visit: Visit, own: Environment, work: Work) -> None:
    work.start(JobName.STAGING, "Staging images")
    app = visit(own, PAGE)
    [button] = (button for button in app.button if button.label == "Stage images")
    assert button.disabled


def test_a_start_that_another_session_forestalled_shows_that_ones_progress(
    visit: Visit, own: Environment, work: Work
) -> None:
    app = visit(own, PAGE)
    work.start(JobName.STAGING, "Staging images")
    click(app, "Stage images")
    [progress] = app.progress
    assert progress.text == "**Staging images.** Two of five."


def test_how_a_job_ended_is_shown_until_it_is_dismissed(visit: Visit, own: Environment, tmp_path: Path) -> None:
    app = visit(own, PAGE)
    stage_path(app, tmp_path / "missing.tar.gz")
    app.button(key="staging.dismiss").click().run()
    assert errors(app) == []
