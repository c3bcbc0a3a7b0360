"""Every way through the state machine, on two interpreters: each takes it, and both come to the same end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.workflow import NOT_A_KNOWN_CLASS, REJECTED
from tests.backend.workflow.executed import ACCOUNT, HANGS, REGION, Raises, Refused, Tasks
from tests.backend.workflow.interpreters import INTERPRETERS, Interpreter
from tests.backend.workflow.on_moto import on_moto

ROOT = Path(__file__).parents[3]
VERDICT = {"is_known": True, "meets_threshold": True, "reason": 'It is a "bicycle".', "predicted_label": "bicycle"}
IMAGE = {"s3_bucket": "b", "s3_key": "images/a ü.png"}
BEGIN = ["SerializeImage", "ClassifyImage", "FilterInference"]
FAILED = ["DescribeFailure", "NotifyFailure", "FailAsCaught"]
PASSED = [*BEGIN, "IsKnown", "IsConfident", "PassOn"]
UNSURE = [*BEGIN, "IsKnown", "IsConfident", "NotifyRejection", "Reject"]
UNKNOWN = [*BEGIN, "IsKnown", "NotifyUnknown", "RejectUnknown"]
ATTEMPTS = 6


def definition() -> dict[str, Any]:
    """The definition as it is deployed, with timeouts of a second, so that one can be awaited."""
    text = (ROOT / "workflow" / "state_machine.asl.json").read_text(encoding="utf-8").replace("${Partition}", "aws")
    text = text.replace("${TopicArn}", f"arn:aws:sns:{REGION}:{ACCOUNT}:topic")
    text = re.sub(r"\$\{(\w+)Arn\}", rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:\1", text)
    found: dict[str, Any] = json.loads(re.sub(r'"TimeoutSeconds": \d\d,', '"TimeoutSeconds": 1,', text))
    return found


DEFINITION = definition()


@dataclass(frozen=True)
class Case:
    """What tasks answer, and what has to come of it; `calls` are those of the task that fails."""

    answers: Mapping[str, list[Any]]
    states: list[str]
    error: str | None = None
    cause: str | None = None
    calls: tuple[str, int] | None = None


def failing(name: str, answer: Any, error: str, cause: str | None, attempts: int) -> Case:
    states = [*BEGIN[: BEGIN.index(name) + 1], *FAILED]
    return Case({name: [answer]}, states, error, cause, (name, attempts))


def errors_of(name: str) -> dict[str, bool]:
    """The errors of a Lambda, and whether they are retried, by its own words."""
    folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    text = (ROOT / "lambdas" / folder / "handler.py").read_text(encoding="utf-8")
    found = re.findall(r'^class (\w+)\(Exception\):\n    """(.+)"""$', text, flags=re.MULTILINE)
    return {error: meaning.endswith("Retried.") for error, meaning in found}


SERVICE_ERRORS = (
    "ServiceException",
    "AWSLambdaException",
    "SdkClientException",
    "ClientExecutionTimeoutException",
    "TooManyRequestsException",
)
CASES = {
    "it passes": Case({}, PASSED),
    "it is not sure enough": Case({"FilterInference": [VERDICT | {"meets_threshold": False}]}, UNSURE, REJECTED),
    "it is no known class": Case({"FilterInference": [VERDICT | {"is_known": False}]}, UNKNOWN, NOT_A_KNOWN_CLASS),
    "it is no known class, and sure": Case(
        {"FilterInference": [VERDICT | {"is_known": False, "meets_threshold": True}]}, UNKNOWN, NOT_A_KNOWN_CLASS
    ),
    "the topic is gone for a rejection": Case(
        {"FilterInference": [VERDICT | {"meets_threshold": False}], "topic": [Refused("NotFound")]},
        UNSURE,
        REJECTED,
        calls=("topic", 3),
    ),
    "the topic is gone for an unknown": Case(
        {"FilterInference": [VERDICT | {"is_known": False}], "topic": [Refused("NotFound")]},
        UNKNOWN,
        NOT_A_KNOWN_CLASS,
        calls=("topic", 3),
    ),
    "the topic is gone for a failure": Case(
        {"SerializeImage": [Raises("ImageMissing", "There is none.")], "topic": [Refused("NotFound")]},
        ["SerializeImage", *FAILED],
        "ImageMissing",
        "There is none.",
        ("topic", 3),
    ),
    "the topic answers the second time": Case(
        {"FilterInference": [VERDICT | {"meets_threshold": False}], "topic": [Refused("InternalError"), {}]},
        UNSURE,
        REJECTED,
        calls=("topic", 2),
    ),
    "two kinds of trouble pass": Case(
        {"ClassifyImage": [Raises("EndpointThrottled"), Refused("TooManyRequestsException"), {"inferences": [1]}]},
        PASSED,
        calls=("ClassifyImage", 3),
    ),
    "trouble that passes, and then another": Case(
        {"ClassifyImage": [Raises("EndpointUnavailable"), Raises("AnswerLost", "Lost.")]},
        ["SerializeImage", "ClassifyImage", *FAILED],
        "AnswerLost",
        "Lost.",
        ("ClassifyImage", 2),
    ),
    **{
        f"{name} raises {error}": failing(name, Raises(error, f'"{error}" {{}}'), error, f'"{error}" {{}}', calls)
        for name in BEGIN
        for error, is_retried in errors_of(name).items()
        for calls in ([ATTEMPTS] if is_retried else [1])
    },
    **{
        f"Lambda refuses with {code}": failing(
            "FilterInference", Refused(code, "Said."), f"Lambda.{code}", "Said.", ATTEMPTS
        )
        for code in SERVICE_ERRORS
    },
    "the function of a task is gone": failing(
        "ClassifyImage", Refused("ResourceNotFoundException", "Said."), "Lambda.ResourceNotFoundException", "Said.", 1
    ),
    "a function's process dies": failing(
        "ClassifyImage", Raises("Runtime.ExitError", "It died."), "Runtime.ExitError", "It died.", ATTEMPTS
    ),
    **{f"{name} hangs": failing(name, HANGS, "States.Timeout", None, 1) for name in BEGIN},
}


@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_go_the_same_way_to_the_same_end(case: Case, interpreter: Interpreter) -> None:
    answers: dict[str, list[Any]] = {
        "SerializeImage": [{"image_data": "aW1hZ2U="} | IMAGE],
        "ClassifyImage": [{"inferences": [0.9, 0.1]} | IMAGE],
        "FilterInference": [VERDICT],
    }
    tasks = Tasks({**answers, **case.answers})
    ended = interpreter({"scones": DEFINITION}, {"image_data": ""} | IMAGE, tasks)
    assert (ended.status, ended.error) == ("FAILED" if case.error else "SUCCEEDED", _named(case.error, interpreter))
    assert ended.states == case.states
    if case.cause is not None:
        assert ended.cause == case.cause
    if case.calls is not None:
        task, attempts = case.calls
        assert ended.calls[task] == attempts
    if case.error in (REJECTED, NOT_A_KNOWN_CLASS):
        reason, _, verdict = str(ended.cause).partition(" Verdict: ")
        assert (reason, json.loads(verdict)) == (VERDICT["reason"], case.answers["FilterInference"][0])
    if case.error is None:
        assert ended.output == VERDICT
    _hold_what_was_told(case, tasks)


def _named(error: str | None, interpreter: Interpreter) -> str | None:
    """moto lets no Fail state report a name of Step Functions' own, which the specification forbids for others only."""
    return "States.Runtime" if interpreter is on_moto and error == "States.Timeout" else error


def _hold_what_was_told(case: Case, tasks: Tasks) -> None:
    """A message says who, what, why and where to look; of what passed there is none."""
    told = [content for name, content in tasks.asked if name == "topic"]
    assert bool(told) == (case.error is not None)
    for content in told:
        kind = {REJECTED: "REJECTED", NOT_A_KNOWN_CLASS: "NOT_A_KNOWN_CLASS"}.get(case.error or "", "FAILED")
        assert content["MessageAttributes"] == {"kind": {"DataType": "String", "StringValue": kind}}
        assert "execution:scones:one in Step Functions." in content["Message"]
        assert (VERDICT["reason"] if kind != "FAILED" else "s3://b/images/a ü.png") in content["Message"]
        assert case.cause is None or case.cause in content["Message"]


def test_no_transition_of_the_definition_is_left_out() -> None:
    gone = {step for case in CASES.values() for step in zip(case.states, case.states[1:], strict=False)}
    states = DEFINITION["States"]
    leads = {(name, state[field]) for name, state in states.items() for field in ("Next", "Default") if field in state}
    leads |= {
        (name, branch["Next"])
        for name, state in states.items()
        for branch in (*state.get("Choices", []), *state.get("Catch", []))
    }
    assert gone == leads
