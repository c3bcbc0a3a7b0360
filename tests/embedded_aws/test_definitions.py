"""What the embedded AWS finds in a definition before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment

WORKFLOW = Path(__file__).parents[2] / "workflow"
PASS = {"Type": "Pass", "End": True}
LANGUAGE = {"QueryLanguage": "JSONata"}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ("/etc/hostname", "no JSON"),
        ({"States": {"A": PASS}}, "StartAt"),
        ({"StartAt": "B", "States": {"A": PASS}}, "StartAt value B not found"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}, 'No state found named "B"'),
        ({"StartAt": "A", "States": {"A": PASS, "B": PASS}}, "No transition found to state State Machine.B"),
        ({"StartAt": "A", "States": {"A": {"Type": "Fial"}}}, "Fial"),
        ({"StartAt": "A", "States": {"A": PASS | {"Timeout": 3}}}, 'Field "Timeout" not allowed'),
        (
            {"StartAt": "A", "States": {"A": PASS | LANGUAGE | {"Output": {"b": "{% $states. %}"}}}},
            "/States/A/Output/b",
        ),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(environment: Environment, definition: Any, said: str) -> None:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    answer = environment.stepfunctions.validate_state_machine_definition(definition=text)
    assert answer["result"] == "FAIL"
    assert {one["severity"] for one in answer["diagnostics"]} == {"ERROR"}
    assert said in str([one["message"] for one in answer["diagnostics"]])


@pytest.mark.parametrize("path", sorted(WORKFLOW.glob("*.asl.json")), ids=lambda path: path.name)
def test_what_is_right_is(environment: Environment, path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("${Partition}", "aws")
    answer = environment.stepfunctions.validate_state_machine_definition(definition=text)
    assert (answer["result"], answer["diagnostics"]) == ("OK", [])
