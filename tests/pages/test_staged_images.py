"""Data staging: what is staged, as the bucket has it."""

from __future__ import annotations

from backend.aws.environment import Environment
from tests.pages import cloud
from tests.pages.visits import Visit, table, texts

PAGE = "data_staging"


def counts(keys: list[str]) -> list[int]:
    """The images of each class by their names, and the total."""
    return [*(sum(label in key for key in keys) for label in ("bicycle", "motorcycle")), len(keys)]


def test_images_are_counted_by_class_and_split(visit: Visit, populated: Environment) -> None:
    dataset = f"datasets/{cloud.current_dataset(populated)}"
    train, validation, test = (
        counts(cloud.keys(populated, f"{dataset}/{split}/")) for split in ("train", "validation", "test")
    )
    shown = table(visit(populated, PAGE), "Train")
    assert shown == {"Train": train, "Validation": validation, "Test": test}


def test_the_place_of_the_dataset_is_shown(visit: Visit, populated: Environment) -> None:
    [place] = (code.value for code in visit(populated, PAGE).code)
    assert place == f"s3://{populated.bucket}/datasets/{cloud.current_dataset(populated)}/"


def test_drawn_images_are_called_synthetic(visit: Visit, populated: Environment) -> None:
    shown = texts(visit(populated, PAGE))
    assert "Synthetic images" in shown
    assert "not CIFAR-100" in shown


def test_images_of_each_class_are_shown_from_the_chosen_split(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    assert [len(gallery.value) for gallery in app.image] == [10, 10]
    app.button_group(key="data_staging.split").set_value("test").run()
    assert [len(gallery.value) for gallery in app.image] == [4, 4]
