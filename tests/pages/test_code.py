"""Show the code: on every page that builds something, with the project's own names in it."""

from __future__ import annotations

import pytest

from backend.aws.environment import Environment
from backend.examples import EXAMPLES
from tests.pages.visits import Visit

SHOWN = {
    "training": ("training", "create_training_job", "dataset"),
    "deployment": ("deployment", "create_endpoint_config", "training_job"),
    "evaluation": ("evaluation", "invoke_endpoint", "dataset"),
    "workflow": ("workflow", "create_stack", "labels"),
    "test_images": ("submission", "start_execution", "image"),
}
"""By page: its example, a call in it, and a name that the page fills in."""


@pytest.mark.parametrize("page", SHOWN)
def test_the_code_of_a_page_has_the_projects_names_for_either_place(
    visit: Visit, populated: Environment, page: str
) -> None:
    example, call, name = SHOWN[page]
    app = visit(populated, page)
    assert not any(call in code.value for code in app.code)  # a fold that is closed costs nothing
    app.session_state[f"code.{example}"] = True
    app.run()
    here = next(code.value for code in app.code if call in code.value)
    assert f'project = "{populated.project}"' in here
    assert f'state_dir = "{populated.settings.state_dir}"' in here
    app.button_group(key=f"code.{example}.place").set_value("aws").run()
    there = next(code.value for code in app.code if call in code.value)
    assert 'profile, region = "default", "us-east-1"' in there
    assert "state_dir" not in there
    [given] = (line for line in there.splitlines() if line.startswith(name))
    assert given in here
    assert given not in (EXAMPLES / f"{example}.py").read_text(encoding="utf-8").splitlines()
