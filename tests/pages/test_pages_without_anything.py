"""Pages of a project of which nothing exists: each says what is missing, and leads to where it is made."""

from __future__ import annotations

import pytest

from backend.aws.environment import Environment
from tests.pages.visits import Visit, texts


@pytest.mark.parametrize(
    ("page", "missing", "leads_to"),
    [
        ("training", "Training needs images, and none are staged.", "data_staging"),
        ("deployment", "A deployment needs a trained model", "training"),
        ("evaluation", "An evaluation needs a trained model", "training"),
        ("workflow", "none is deployed", "deployment"),
        ("test_images", "Images go through the workflow, and none is deployed.", "workflow"),
        ("monitoring", "No captured inference was read yet.", "test_images"),
        ("review", "A review needs captured records", "monitoring"),
    ],
)
def test_a_page_says_what_it_misses_and_leads_there(
    visit: Visit, empty: Environment, page: str, missing: str, leads_to: str
) -> None:
    app = visit(empty, page)
    assert missing in texts(app)
    assert [link.page for link in app.main.page_link] == [leads_to]


def test_data_staging_asks_for_a_source(visit: Visit, empty: Environment) -> None:
    app = visit(empty, "data_staging")
    assert "No images are staged yet." in texts(app)
    assert app.multiselect[0].value == ["bicycle", "motorcycle"]


def test_cleanup_finds_nothing(visit: Visit, empty: Environment) -> None:
    app = visit(empty, "cleanup")
    assert "Nothing is left." in texts(app)
    assert not app.button


def test_the_overview_goes_on_at_data_staging(visit: Visit, empty: Environment) -> None:
    app = visit(empty, "overview")
    [button] = (button for button in app.button if button.label == "Continue")
    button.click().run()
    assert app.title[0].value == "Data staging"


def test_the_sidebar_tells_where_things_run(visit: Visit, empty: Environment) -> None:
    app = visit(empty, "overview")
    shown = "\n".join(element.value for element in [*app.sidebar.markdown, *app.sidebar.caption])
    assert "Embedded AWS" in shown
    assert "us-east-1" in shown
    assert empty.project in shown
