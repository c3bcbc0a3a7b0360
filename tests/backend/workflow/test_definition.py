"""The state machine's definition: complete and connected. (The templates are held against cfn-lint by `make lint`.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.workflow import NOT_A_KNOWN_CLASS, REJECTED

WORKFLOW = Path(__file__).parents[3] / "workflow"
DEFINITION: dict[str, Any] = json.loads((WORKFLOW / "state_machine.asl.json").read_text(encoding="utf-8"))
STATES: dict[str, Any] = DEFINITION["States"]


def targets(state: dict[str, Any]) -> Iterator[str]:
    yield from (state[name] for name in ("Next", "Default") if name in state)
    yield from (branch["Next"] for branch in (*state.get("Choices", []), *state.get("Catch", [])))


@pytest.mark.parametrize("name", STATES)
def test_every_transition_leads_to_a_state(name: str) -> None:
    assert set(targets(STATES[name])) <= STATES.keys()


def test_every_state_is_reached() -> None:
    reached, pending = set(), [DEFINITION["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(targets(STATES[name]))
    assert reached == STATES.keys()


@pytest.mark.parametrize("name", STATES)
def test_only_ends_lead_nowhere(name: str) -> None:
    is_end = STATES[name]["Type"] in {"Succeed", "Fail"}
    assert is_end == (not list(targets(STATES[name])))


@pytest.mark.parametrize(("error", "name"), [(REJECTED, "Reject"), (NOT_A_KNOWN_CLASS, "RejectUnknown")])
def test_a_rejection_ends_in_its_own_error_and_no_other_state_does(error: str, name: str) -> None:
    assert [other for other, state in STATES.items() if state.get("Error") == error] == [name]


def test_the_class_is_looked_at_before_the_confidence() -> None:
    assert STATES["FilterInference"]["Next"] == "IsKnown"
    assert [name for name, state in STATES.items() if "IsConfident" in targets(state)] == ["IsKnown"]


def test_every_notification_says_what_happened_in_words_of_its_own() -> None:
    """Source: SNS API reference, Publish: a subject is ASCII of less than 100 characters."""
    subjects = [state["Parameters"]["Subject"] for state in STATES.values() if "Subject" in state.get("Parameters", {})]
    assert len(set(subjects)) == len(subjects) == 3
    assert all(subject.isascii() and len(subject) < 100 for subject in subjects)


def test_no_catch_leads_to_a_rejection() -> None:
    for name in ("SerializeImage", "ClassifyImage", "FilterInference"):
        assert all(catcher["Next"] == "NotifyFailure" for catcher in STATES[name]["Catch"])


def test_every_placeholder_is_filled_by_the_template() -> None:
    template = (WORKFLOW / "workflow.yaml").read_text(encoding="utf-8")
    text = json.dumps(DEFINITION)
    for name in ("SerializeImageArn", "ClassifyImageArn", "FilterInferenceArn", "TopicArn"):
        assert f"${{{name}}}" in text
        assert f"        {name}: " in template
    assert text.count("${") == 6  # the topic is used three times
