"""What each step is for is said on its page, and folded away for as long as its reader wants."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from backend.prices import cost, hourly_price
from tests.pages.visits import Visit

TITLE = "What this step is for"
PAGES = [
    "alerts",
    "cleanup",
    "data_staging",
    "deployment",
    "evaluation",
    "monitoring",
    "review",
    "test_images",
    "training",
    "workflow",
]


def about(app: AppTest) -> str:
    [fold] = (fold for fold in app.expander if fold.label == TITLE)
    [text] = fold.caption
    return str(text.value)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_what_its_step_is_for_and_what_it_costs(visit: Visit, empty: Environment, page: str) -> None:
    said = about(visit(empty, page))
    assert "On AWS" in said or "us-east-1" in said


def test_a_price_is_the_price_lists() -> None:
    """Source: Amazon SageMaker AI pricing, us-east-1: ml.g4dn.xlarge for training, ml.m5.xlarge for inference."""

    assert hourly_price("ml.m5.xlarge", 2) == "$0.46 an hour"
    assert hourly_price("ml.unknown") is None
    assert cost("ml.g4dn.xlarge", 1800) == pytest.approx(0.3682)
    assert cost("ml.g4dn.xlarge", None) is None
