"""Where a step is done, its page leads to the next one."""

from __future__ import annotations

import pytest

from backend.aws.environment import Environment
from tests.pages.visits import Visit

NEXT = {
    "deployment": "Workflow",
    "workflow": "Test images",
    "test_images": "Monitoring",
}


@pytest.mark.parametrize("page", NEXT)
def test_a_page_whose_step_is_done_leads_to_the_next(visit: Visit, populated: Environment, page: str) -> None:
    labels = [link.label for link in visit(populated, page).main.page_link]
    assert f"Next: {NEXT[page]}" in labels
