"""Data staging: what is staged, as the bucket has it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from tests.pages import cloud
from tests.pages.visits import Visit, links, table, texts

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


def opened(app: AppTest) -> list[str]:
    """What the images of the grid are called, each of which opens one."""
    return [button.label for button in app.button if (button.key or "").startswith("data_staging.open.")]


def test_images_of_all_classes_are_shown_in_turns_and_in_pages(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    assert opened(app) == ["bicycle", "motorcycle"] * 20
    app.session_state[f"data_staging.page.{cloud.current_dataset(populated)}.train.None"] = 2
    app.run()
    assert opened(app) == ["bicycle", "motorcycle"] * 12


def test_images_of_the_chosen_split_and_class_are_shown(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.button_group(key="data_staging.split").set_value("test").run()
    assert opened(app) == ["bicycle", "motorcycle"] * 4
    app.button_group(key="data_staging.label.test").set_value("motorcycle").run()
    assert opened(app) == ["motorcycle"] * 4


def test_an_image_opens_with_what_is_known_of_it(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.button_group(key="data_staging.split").set_value("test").run()
    app.button(key="data_staging.open.1").click().run()
    name = "motorcycle_drawn_000000.png"
    key = f"datasets/{cloud.current_dataset(populated)}/test/{name}"
    facts = dict(app.table[0].value.itertuples(index=True, name=None))
    content = cloud.content(populated, key)
    with Image.open(io.BytesIO(content)) as picture:
        levels = np.asarray(picture.convert("RGB"), dtype=float)
    assert f"{len(content):,} bytes" in facts["Size"]
    assert key in facts["Key"]
    assert facts["Class"] == "motorcycle (index 1)"
    assert table(app, "Deviation") == {
        "Mean": [f"{levels[:, :, channel].mean():.1f}" for channel in range(3)],
        "Deviation": [f"{levels[:, :, channel].std():.1f}" for channel in range(3)],
        "Lowest": [levels[:, :, channel].min() for channel in range(3)],
        "Highest": [levels[:, :, channel].max() for channel in range(3)],
    }


def test_the_next_step_is_training(visit: Visit, populated: Environment) -> None:
    assert "training" in links(visit(populated, PAGE))


def test_what_is_not_staged_has_no_next_step(visit: Visit, own: Environment) -> None:
    assert links(visit(own, PAGE)) == []
