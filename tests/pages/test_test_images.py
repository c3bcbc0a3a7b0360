"""Test images: submitting them in each way."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import workflow
from backend.aws.environment import Environment
from pages.shared import JobName
from pages.test_images.batch import confusion
from tests import answers
from tests.pages import cloud
from tests.pages.visits import Visit, Work, click, errors, finish, metrics, select_rows, table, texts

PAGE = "test_images"


@pytest.fixture
def new_keys(populated: Environment) -> Callable[[], list[str]]:
    """The keys of the images that were submitted since the test began."""
    before = set(cloud.execution_arns(populated))
    return lambda: cloud.submitted_keys(populated, set(cloud.execution_arns(populated)) - before)


def choose(app: AppTest, way: str) -> None:
    app.button_group(key="test_images.way").set_value(way).run()


def submit(app: AppTest, label: str) -> str:
    """Submit what is chosen; returns how the job ended."""
    click(app, label)
    return finish(app, JobName.TEST_IMAGES).status


def png(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), color).save(buffer, "PNG")
    return buffer.getvalue()


def phone_photo() -> bytes:
    """A JPEG with a second image behind it, as phones make them."""
    buffer = io.BytesIO()
    image = Image.new("RGB", (64, 48), "olive")
    image.save(buffer, "MPO", save_all=True, append_images=[image])
    return buffer.getvalue()


def large_png() -> bytes:
    """318 kB."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (320, 330, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_random_images_are_of_the_test_set_and_differ(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    app.number_input(key="test_images.count").set_value(3).run()
    assert submit(app, "Submit 3 images") == "succeeded"
    keys = new_keys()
    assert len(set(keys)) == 3
    assert set(keys) <= cloud.keys_of_test_images(populated)


def drawn(app: AppTest) -> tuple[str, ...]:
    """The keys of the images that were drawn at random."""
    keys: tuple[str, ...] = app.session_state["test_images.drawn"][1]
    return keys


def test_random_images_stay_until_a_person_draws_anew(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    app.number_input(key="test_images.count").set_value(4).run()
    first = drawn(app)
    assert drawn(app.run()) == first
    assert submit(app, "Submit 4 images") == "succeeded"
    assert sorted(new_keys()) == sorted(first)
    assert drawn(app) == first
    while drawn(app) == first:  # of 70 ways to draw four of eight
        click(app, "Draw anew")
    app.button_group(key="test_images.label").set_value("bicycle").run()
    assert all("bicycle" in key for key in drawn(app))


def test_what_was_submitted_is_shown_first(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    app.number_input(key="test_images.count").set_value(1).run()
    [key] = drawn(app)
    assert submit(app, "Submit 1 image") == "succeeded"
    assert new_keys() == [key]
    [name] = list(cloud.execution_arns(populated))[:1]
    assert app.subheader[0].value == name
    verdict = cloud.execution(populated, name)["verdict"]
    assert (app.metric[0].label, app.metric[0].value) == ("Predicted", verdict["predicted_label"])
    assert [caption.value for caption in app.caption if "drawn on top of the page" in caption.value]
    click(app, "Run again")
    assert finish(app, JobName.TEST_IMAGES).status == "succeeded"
    assert new_keys() == [key, key]
    assert app.subheader[0].value not in (name, "")


def test_a_batch_is_shown_with_its_figures_and_its_images(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    choose(app, "All")
    assert submit(app, "Submit 8 images") == "succeeded"
    names = list(cloud.execution_arns(populated))[:8]
    ended = [cloud.execution(populated, name) for name in names]
    passed = sum(one["status"] == "SUCCEEDED" for one in ended)
    figures = metrics(app)
    assert (figures["Ended"], figures["Passed"], figures["Rejected"]) == ("8 of 8", str(passed), str(8 - passed))
    assert figures["Batch's pass rate"] == f"{passed / 8:.1%}"
    right = sum(one["verdict"]["predicted_label"] in json.loads(one["input"])["s3_key"] for one in ended)
    assert f"Of 8 images whose class is known and that got an answer, {right / 8:.1%} were answered right" in texts(app)
    shown = table(app, "Result")
    assert sorted(shown["Answer"]) == sorted(one["verdict"]["predicted_label"] for one in ended)
    assert all(truth in image for truth, image in zip(shown["Class"], shown["Image"], strict=True))
    select_rows(app, "Result", 3)
    assert app.subheader[0].value == "All test images"
    assert shown["Image"][3].removesuffix(".png") in app.subheader[1].value


def open_batches(app: AppTest) -> dict[str, list[Any]]:
    """Show the list of batches; returns its columns."""
    app.button_group(key="test_images.view").set_value("Batches").run()
    return table(app, "Not sent")


def test_a_batch_that_was_interrupted_is_resumed_for_the_rest(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    class Killed(BaseException): ...

    def kill(share: float, _text: str) -> None:
        if share >= 0.25:
            raise Killed

    keys = sorted(cloud.keys_of_test_images(populated)) * 3
    with answers.changed(populated.s3, "PutObject", killed_after(2)), pytest.raises(Killed):
        workflow.submit_images(populated, keys, "All <b>twice</b>", kill)
    app = visit(populated, PAGE)
    shown = open_batches(app)
    assert (shown["Batch"][0], shown["State"][0], shown["Images"][0]) == ("All <b>twice</b>", "interrupted", 24)
    assert shown["Not sent"][0] == 24
    click(app, "Send the other 24 images")
    assert finish(app, JobName.TEST_IMAGES).status == "succeeded"
    assert sorted(new_keys()) == sorted(keys)
    shown = table(app, "Not sent")
    assert (shown["State"][0], shown["Not sent"][0]) == ("complete", 0)
    assert shown["Passed"][0] + shown["Rejected"][0] == 24
    assert "Send the other" not in " ".join(button.label for button in app.button)


def killed_after(count: int) -> Callable[[dict[str, Any]], None]:
    """Lets so many objects be put, and then none, as if the app were gone."""
    put: list[object] = []

    def change(parsed: dict[str, Any]) -> None:
        put.append(parsed)
        if len(put) > count:
            answers.unreachable(parsed)

    return change


def test_what_failed_is_sent_again_on_demand(visit: Visit, populated: Environment) -> None:
    keys = [*sorted(cloud.keys_of_test_images(populated))[:2], "uploads/not-there.png"]
    workflow.submit_images(populated, keys, "One fails")
    app = visit(populated, PAGE)
    shown = open_batches(app)
    assert (shown["State"][0], shown["Failed"][0], shown["Not sent"][0]) == ("complete", 1, 0)
    assert table(app, "Result")["Error"].count("ImageMissing") == 1
    content = cloud.content(populated, keys[0])
    populated.s3.put_object(Bucket=populated.bucket, Key=keys[2], Body=content)
    click(app, "Send 1 failed image again")
    assert finish(app, JobName.TEST_IMAGES).status == "succeeded"
    shown = table(app, "Not sent")
    assert (shown["Failed"][0], shown["Passed"][0] + shown["Rejected"][0]) == (0, 3)
    populated.s3.delete_object(Bucket=populated.bucket, Key=keys[2])


def test_images_picked_by_hand_are_those_submitted(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    choose(app, "By hand")
    picked = sorted(cloud.keys_of_test_images(populated))[2:4]
    for key in picked:
        app.checkbox(key=f"test_images.pick.{key}").check().run()
    assert submit(app, "Submit 2 images") == "succeeded"
    assert sorted(new_keys()) == picked


def test_what_is_picked_stays_so_under_another_class(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    choose(app, "By hand")
    bicycle, *_, motorcycle = sorted(cloud.keys_of_test_images(populated))
    app.checkbox(key=f"test_images.pick.{bicycle}").check().run()
    app.button_group(key="test_images.label").set_value("motorcycle").run()
    app.checkbox(key=f"test_images.pick.{motorcycle}").check().run()
    app.button_group(key="test_images.label").set_value(None).run()
    assert [box.key for box in app.checkbox if box.value] == [
        f"test_images.pick.{bicycle}",
        f"test_images.pick.{motorcycle}",
    ]


def test_all_images_of_a_class_are_submitted_once(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    choose(app, "All")
    app.button_group(key="test_images.label").set_value("motorcycle").run()
    assert submit(app, "Submit 4 images") == "succeeded"
    assert sorted(new_keys()) == sorted(key for key in cloud.keys_of_test_images(populated) if "motorcycle" in key)
    assert [element.value for element in app.success] == ["4 of 4 images went through the workflow."]


def test_uploaded_images_are_classified(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    choose(app, "Upload")
    app.file_uploader[0].upload("red.png", png("red"), "image/png").upload("blue.png", png("blue"), "image/png").run()
    assert submit(app, "Submit 2 images") == "succeeded"
    keys = new_keys()
    assert {key.split("-")[-1] for key in keys} == {"red.png", "blue.png"}
    assert {cloud.content(populated, key) for key in keys} == {png("red"), png("blue")}


def test_bad_files_are_named_and_the_good_ones_are_classified(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    app = visit(populated, PAGE)
    choose(app, "Upload")
    uploader = app.file_uploader[0].upload("good.png", png("green"), "image/png")
    uploader.upload("letter.png", b"Dear Sir or Madam", "image/png")
    uploader.upload("huge.png", bytes((20 << 20) + 1), "image/png")
    uploader.upload("phone.jpg", phone_photo(), "image/jpeg")
    uploader.upload("large.png", large_png(), "image/png").run()
    assert submit(app, "Submit 5 images") == "succeeded"
    assert sorted(key.split("-")[-1] for key in new_keys()) == ["good.png", "large.png", "phone.jpg"]
    [said] = [element.value for element in app.success]
    assert said.startswith("3 of 5 images went through the workflow.")
    assert "scaled down to at most 180,000 bytes: large.png." in said
    assert "letter.png is not a PNG or JPEG image" in said
    assert "huge.png has 21.0 MB" in said
    stored = {key.split("-")[-1]: cloud.content(populated, key) for key in new_keys()}
    assert stored["phone.jpg"] == phone_photo()
    assert len(stored["large.png"]) <= 180_000 < len(large_png())
    newest = list(cloud.execution_arns(populated))[:3]
    assert all("confidence" in str(cloud.execution(populated, name)["verdict"]) for name in newest)


def test_files_of_which_none_is_good_are_all_named_and_nothing_is_submitted(
    visit: Visit, populated: Environment, new_keys: Callable[[], list[str]]
) -> None:
    before = cloud.keys(populated, "uploads/")
    app = visit(populated, PAGE)
    choose(app, "Upload")
    uploader = app.file_uploader[0].upload("letter.png", b"Dear Sir or Madam", "image/png")
    uploader.upload("![a](http://a/b).png", b"", "image/png").run()
    assert submit(app, "Submit 2 images") == "failed"
    assert "letter.png is not a PNG or JPEG image" in errors(app)[0]
    assert "`![a](http://a/b).png` is not a PNG or JPEG image" in errors(app)[0]  # shown, and not acted on
    assert new_keys() == []
    assert cloud.keys(populated, "uploads/") == before


def test_a_cmyk_jpeg_that_was_classified_is_shown(visit: Visit, populated: Environment) -> None:
    buffer = io.BytesIO()
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(buffer, "JPEG")
    app = visit(populated, PAGE)
    choose(app, "Upload")
    app.file_uploader[0].upload("press.jpg", buffer.getvalue(), "image/jpeg").run()
    assert submit(app, "Submit 1 image") == "succeeded"
    assert errors(app) == []
    assert not app.exception
    assert len(app.image) == 2  # what was chosen, and what was submitted
    newest = next(iter(cloud.execution_arns(populated)))
    assert "press.jpg" in cloud.submitted_keys(populated, {newest})[0]


def test_without_an_upload_there_is_nothing_to_submit(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    choose(app, "Upload")
    assert app.button(key="test_images.submit").disabled


def test_a_submission_can_be_cancelled(visit: Visit, populated: Environment, work: Work) -> None:
    work.start(JobName.TEST_IMAGES, "Submitting images")
    app = visit(populated, PAGE)
    assert app.button(key="test_images.submit").disabled
    click(app, "Cancel")
    work.may_end.set()
    assert finish(app, JobName.TEST_IMAGES).status == "cancelled"
    assert [element.value for element in app.info] == ["Submitting images was cancelled."]
    assert not app.button(key="test_images.submit").disabled


def test_without_a_dataset_images_can_only_be_uploaded(visit: Visit, own: Environment) -> None:
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    app = visit(own, PAGE)
    assert app.button_group(key="test_images.way").options == ["Upload"]
    assert len(app.file_uploader) == 1


def test_a_matrix_counts_answers_by_what_the_images_are() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def result(key: str | None, answer: str | None) -> workflow.Result:
        return workflow.Result(0, key, "one", workflow.Outcome.PASSED, at, at, answer)

    labels = {"a": "bicycle", "b": "motorcycle", "c": "other"}
    results = [
        *[result("a", "bicycle")] * 3, result("a", "motorcycle"), result("c", "bicycle"), result("b", None),
        result("unknown", "bicycle"), result(None, "bicycle"),
    ]  # fmt: skip
    matrix, names = confusion(results, labels, ("bicycle", "motorcycle"))
    assert names == ["bicycle", "motorcycle", "other"]
    assert matrix.tolist() == [[3, 1, 0], [0, 0, 0], [1, 0, 0]]
