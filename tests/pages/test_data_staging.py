"""Data staging: from each source, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from backend.staging import drawing
from pages.shared import JobName
from tests.backend.staging.archives import alike_members, small_members, write_archive
from tests.pages import cloud
from tests.pages.visits import Visit, Work, click, errors, finish, metrics, table, texts

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
    app.toggle(key="data_staging.other").set_value(False).run()
    assert "passes about half of all foreign images" in texts(app)
    assert stage(app) == "succeeded"
    assert len(cloud.keys_of_test_images(own)) == 4
    assert [element.value for element in app.success] == ["The images are staged."]
    assert table(app, "Train") == {"Train": [5, 5, 10], "Validation": [1, 1, 2], "Test": [2, 2, 4]}
    assert "passes about half of all foreign images" in texts(app)


@pytest.mark.usefixtures("small_sample")
def test_a_class_for_anything_else_is_staged_by_default(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    assert stage(app) == "succeeded"
    foreign = [0, 0, 4, 4]  # of two classes that were kept out whole
    assert table(app, "Train") == {
        "Train": [5, 5, 8, 18],
        "Validation": [1, 1, 2, 4],
        "Test": [2, 2, 3, 7],
        "Foreign": foreign,
    }
    assert "Class other: drawn evenly from 8 classes that were not chosen (" in texts(app)


@pytest.mark.usefixtures("small_sample")
def test_what_each_split_is_for_is_said_over_its_images(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    stage(app)
    splits = app.button_group(key="data_staging.split")
    said = {
        "train": "learns from these",
        "validation": "the epoch is chosen",
        "test": "Seen by nothing before",
        "foreign": "Of classes kept out whole",
    }
    assert [option.content for option in splits.proto.options] == list(said)
    for split, text in said.items():
        app.button_group(key="data_staging.split").set_value(split).run()
        assert text in texts(app)


@pytest.mark.usefixtures("small_sample")
def test_jpeg_material_beside_raw_pixels_is_warned_of(visit: Visit, own: Environment, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (40, 60), (number, 90, 200)).save(tmp_path / f"yard-{number}.jpg")
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    app.text_input(key="data_staging.material").set_value(str(tmp_path)).run()
    assert stage(app) == "succeeded"
    assert "A network may learn to tell JPEG's traces" in app.warning[0].value


def test_classes_are_offered_by_their_groups(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    assert len(app.multiselect[0].options) == 100
    assert app.multiselect[0].options[:2] == ["aquatic mammals / beaver", "aquatic mammals / dolphin"]
    assert app.multiselect[0].value == ["bicycle", "motorcycle"]


@pytest.mark.usefixtures("small_sample")
def test_the_chosen_classes_are_staged(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    choose(app, "Offline sample")
    app.multiselect[0].set_value(["bus", "tractor", "bicycle"]).run()
    assert stage(app) == "succeeded"
    names = [key.split("/")[-1].removesuffix(".png") for key in cloud.keys_of_test_images(own)]
    assert {name.split("_")[0] for name in names if "." not in name} == {"bicycle", "bus", "tractor"}


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
    assert table(app, "Train")["Train"] == [5, 5, 8, 18]


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


def look_inside(app: AppTest) -> None:
    app.button(key="data_staging.look").click().run()
    assert not app.exception


def test_what_an_archive_holds_is_told_before_it_is_staged(visit: Visit, own: Environment, archive: Path) -> None:
    app = visit(own, PAGE)
    choose(app, "Archive")
    app.text_input(key="data_staging.path").set_value(str(archive)).run()
    app.multiselect[0].set_value(["bicycle", "apple"]).run()
    look_inside(app)
    assert table(app, "Train") == {"Train": [2, 2], "Test": [2, 2]}
    assert "4 train and 4 test images; 2 classes can be staged." in texts(app)
    assert [element.value for element in app.warning] == ["There are no images of apple in it."]
    assert [len(pictures.value) for pictures in app.image] == [2]
    assert cloud.keys(own, "datasets/") == []
    choose(app, "University of Toronto")
    assert "2 classes can be staged" not in texts(app)


def test_an_upload_is_looked_into(visit: Visit, own: Environment, archive: Path) -> None:
    app = visit(own, PAGE)
    choose(app, "Archive")
    app.file_uploader[0].upload("small.tar.gz", archive.read_bytes(), "application/gzip").run()
    look_inside(app)
    assert table(app, "Train") == {"Train": [2, 2], "Test": [2, 2]}


def test_the_original_is_known_without_a_download(visit: Visit, own: Environment) -> None:
    app = visit(own, PAGE)
    look_inside(app)
    assert "50,000 train and 10,000 test images; 100 classes can be staged." in texts(app)
    assert set(table(app, "Train")["Train"]) == {500}


def test_what_cannot_be_looked_into_is_named(visit: Visit, own: Environment, truncated: Path) -> None:
    app = visit(own, PAGE)
    choose(app, "Archive")
    app.text_input(key="data_staging.path").set_value(str(truncated)).run()
    look_inside(app)
    assert "ends too early" in errors(app)[0]


@pytest.fixture
def alike(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "alike.tar.gz", alike_members())


def test_near_duplicates_are_shown_and_why_those_between_train_and_test_matter(
    visit: Visit, own: Environment, alike: Path
) -> None:
    app = visit(own, PAGE)
    assert stage_path(app, alike) == "succeeded"
    said = texts(app)
    warnings = "\n".join(element.value for element in app.warning)
    learned = {key.rpartition("/")[2] for key in cloud.keys(own, f"datasets/{cloud.current_dataset(own)}/train/")}
    in_train = len(learned & {"train_0.png", "train_1.png", "train_6.png"})  # the others are in validation
    assert f"{in_train} images of the test split, {in_train / 4:.1%}, have a near-duplicate in train." in warnings
    assert metrics(app) == {
        "Images compared": "16",
        "Pairs of the same pixels": "2",
        "Pairs nearly the same": "1",
        "Test images with a twin in train": str(in_train),
    }
    groups = app.button_group(key="data_staging.between")
    assert f"Train and test ({in_train})" in [option.content for option in groups.proto.options]
    assert "**The same pixels**" in said
    assert "mirrored, shifted or strongly cropped ones are not" in said


def test_an_image_names_what_is_nearly_the_same(visit: Visit, own: Environment, alike: Path) -> None:
    app = visit(own, PAGE)
    stage_path(app, alike)
    app.button_group(key="data_staging.split").set_value("test").run()
    app.button(key="data_staging.open.0").click().run()
    assert any(element.value.startswith("**Nearly the same:**") for element in app.markdown)
