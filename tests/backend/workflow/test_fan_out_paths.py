"""Every way through the state machine for many images, on two interpreters, with the workflow itself below it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backend.workflow import REJECTED
from backend.workflow.fan_out import PAGE_IMAGES
from tests.backend.workflow.executed import ACCOUNT, REGION, Raises, Refused, Tasks
from tests.backend.workflow.interpreters import INTERPRETERS, Interpreter

WORKFLOW = Path(__file__).parents[3] / "workflow"
PAGE = 3
"""Images of one, here, so that few make several; and three pages are the most."""
ENDS = {"a": "passed", "b": "rejected", "c": "not a known class", "d": "failed"}
LABELS = {"a": "bicycle", "b": "bicycle", "c": "other", "d": ""}
ROOT = ["WhatIsAsked", "Begin", "RunPage", "IsThereMore"]


def definition(name: str) -> dict[str, Any]:
    text = (WORKFLOW / name).read_text(encoding="utf-8").replace("${Partition}", "aws")
    machines = {"WorkflowArn": "scones", "FanOutArn": "fan-out"}
    for placeholder, machine in machines.items():
        text = text.replace(f"${{{placeholder}}}", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}")
    text = text.replace("${TopicArn}", f"arn:aws:sns:{REGION}:{ACCOUNT}:topic")
    found: dict[str, Any] = json.loads(
        re.sub(r"\$\{(\w+)Arn\}", rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:\1", text)
    )
    return found


def small(found: dict[str, Any]) -> dict[str, Any]:
    """With pages of three images, of which there are at most three."""
    text = json.dumps(found)
    size, most = f"{PAGE_IMAGES} *", f"'MaxKeys': {PAGE_IMAGES}"
    assert (text.count(size), text.count(most), text.count("> 1000")) == (3, 1, 1)
    changed = text.replace(size, f"{PAGE} *").replace(most, f"'MaxKeys': {PAGE}")
    smaller: dict[str, Any] = json.loads(changed.replace("> 1000", "> 3"))
    return smaller


DEFINITIONS = {"fan-out": small(definition("fan_out.asl.json")), "scones": definition("state_machine.asl.json")}


def serialized(given: Mapping[str, Any]) -> Any:
    return (
        {**given, "image_data": "aW1hZ2U="} if isinstance(given["s3_key"], str) else Raises("InvalidInput", "No key.")
    )


def judged(given: Mapping[str, Any]) -> Any:
    """What FilterInference says of an image, by the last letter of its key."""
    end = ENDS[given["s3_key"][-1]]
    if end == "failed":
        return Raises("UnexpectedInference", 'Not "probabilities".')
    verdict = {"is_known": end != "not a known class", "meets_threshold": end != "rejected", "reason": "So."}
    return verdict | {"predicted_label": LABELS[given["s3_key"][-1]]}


def answers(keys: list[str]) -> dict[str, Any]:
    """Of a bucket with these keys."""

    def listed(given: Mapping[str, Any]) -> Any:
        """Source: S3 API reference, ListObjectsV2: no Contents where nothing is, a token where there is more."""
        found = [key for key in sorted(keys) if key.startswith(given["Prefix"]) and key > given.get("StartAfter", "")]
        more = {"NextContinuationToken": "any"} if len(found) > given["MaxKeys"] else {}
        contents = {"Contents": [{"Key": key, "Size": 1} for key in found[: given["MaxKeys"]]]} if found else {}
        return {"KeyCount": len(found[: given["MaxKeys"]]), **contents, **more}

    return {
        "s3": listed,
        "SerializeImage": serialized,
        "ClassifyImage": lambda given: {name: given[name] for name in ("s3_bucket", "s3_key")},
        "FilterInference": judged,
    }


@dataclass(frozen=True)
class Case:
    given: Any
    states: list[str]
    error: str | None = None
    words: str = ""
    ends: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


KEYS = [f"images/{number}{end}" for number, end in enumerate("abcdabca")]
TOO_MANY = [f"images/{number:02}a" for number in range(10)]
CASES = {
    "a list": Case({"keys": ["k/c", "k/a", "k/d", "k/b", "k/1a"]}, [*ROOT, *ROOT[2:], "SumUp"], ends="cadba"),
    "a list of one": Case({"keys": ["k/b"]}, [*ROOT, "SumUp"], ends="b"),
    "a list of a whole page": Case({"keys": ["k/a", "k/1a", "k/2a"]}, [*ROOT, "SumUp"], ends="aaa"),
    "a list of what is no key": Case({"keys": ["k/a", 7, None]}, [*ROOT, "SumUp"], ends="add"),
    "a prefix": Case({"prefix": "images/"}, [*ROOT, *ROOT[2:], *ROOT[2:], "SumUp"], ends="abcdabca"),
    "a prefix of one": Case({"prefix": "images/3"}, [*ROOT, "SumUp"], ends="d"),
    "nothing under the prefix": Case({"prefix": "else/"}, [*ROOT, "FindNothing"], "NoImages", "under s3://b/else/."),
    "an empty list": Case({"keys": []}, [*ROOT, "FindNothing"], "NoImages", "the list is empty"),
    "neither": Case({}, ["WhatIsAsked", "RefuseInput"], "InvalidInput", '{"s3_bucket": "...", "prefix": "..."}'),
    "an empty prefix": Case({"prefix": ""}, ["WhatIsAsked", "RefuseInput"], "InvalidInput", "names no images"),
    "a prefix that is no text": Case({"prefix": 7}, ["WhatIsAsked", "RefuseInput"], "InvalidInput", "names no images"),
    "too many": Case(
        {"prefix": "images/"},
        [*ROOT, *ROOT[2:], *ROOT[2:], "RefuseTheRest"],
        "TooManyImages",
        "behind images/08a did not",
        changes=answers(TOO_MANY),
    ),
    "no bucket": Case(
        {"prefix": "images/"},
        ["WhatIsAsked", "Begin", "RunPage", "FailOfPage"],
        "PageFailed",
        "Page 1 of the images did not run to its end, and those behind it were not begun: ",
        changes={"s3": [Refused("NoSuchBucket", "The bucket is gone.")]},
    ),
    "a list that S3 gives the second time": Case(
        {"prefix": "images/"},
        [*ROOT, "SumUp"],
        ends="a",
        changes={"s3": [Refused("S3"), {"Contents": [{"Key": "images/a"}]}]},
    ),
}


@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_go_the_same_way_to_the_same_end(case: Case, interpreter: Interpreter) -> None:
    tasks = Tasks({**answers(KEYS), **case.changes})
    ended = interpreter(DEFINITIONS, {"s3_bucket": "b", **case.given}, tasks)
    assert (ended.states, ended.error) == (case.states, case.error)
    assert case.words in str(ended.cause)
    if case.error is None:
        assert ended.output == summary(case.ends)
        assert ended.calls["SerializeImage"] == len(case.ends)


def summary(ends: str) -> dict[str, Any]:
    by_class: dict[str, dict[str, int]] = {}
    for end in ends:
        if LABELS[end]:
            of_class = by_class.setdefault(LABELS[end], {})
            of_class[ENDS[end]] = of_class.get(ENDS[end], 0) + 1
    return {"images": len(ends), **{name: ends.count(end) for end, name in ENDS.items()}, "by_class": by_class}


@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
def test_no_transition_of_the_definition_is_left_out(interpreter: Interpreter) -> None:
    gone: set[tuple[str, str]] = set()
    for name in ("a prefix", "a list", "neither", "too many", "no bucket", "an empty list"):
        tasks = Tasks({**answers(KEYS), **CASES[name].changes})
        ways = interpreter(DEFINITIONS, {"s3_bucket": "b", **CASES[name].given}, tasks).ways
        gone |= {step for way in ways for step in pairwise(way)}
    states = DEFINITIONS["fan-out"]["States"]
    leads = {(name, state[field]) for name, state in states.items() for field in ("Next", "Default") if field in state}
    leads |= {
        (name, branch["Next"])
        for name, state in states.items()
        for branch in (*state.get("Choices", []), *state.get("Catch", []))
    }
    within = {*states["RunImages"]["ItemProcessor"]["States"]}
    assert {step for step in leads if not within & set(step)} - gone == set()


def test_an_image_that_the_workflow_does_not_take_costs_itself_on_both() -> None:
    """Because an execution of its name is there already, as when somebody else took the name."""
    twice = json.loads(json.dumps(DEFINITIONS).replace("$pad($string($states.context.Map.Item.Index), -2, '0')", "'0'"))
    for name, interpreter in INTERPRETERS.items():
        ended = interpreter(twice, {"s3_bucket": "b", "keys": ["k/a", "k/1a"]}, Tasks(answers(KEYS)))
        assert ended.status == "SUCCEEDED", (name, ended)
        assert (ended.output["passed"], ended.output["failed"]) == (1, 1)


@pytest.mark.parametrize("cause", ["*enough*", "", "{broken}", 'So. Verdict: {"predicted_label": 7}', "{}"])
@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
def test_a_rejection_that_says_nothing_of_a_class_is_one_of_none(interpreter: Interpreter, cause: str) -> None:
    """Whoever may change the workflow may have an execution fail so."""
    rejected = Raises(REJECTED, cause)
    tasks = Tasks(
        {**answers(KEYS), "FilterInference": lambda given: rejected if "b" in given["s3_key"] else judged(given)}
    )
    ended = interpreter(DEFINITIONS, {"s3_bucket": "b", "keys": ["k/a", "k/b"]}, tasks)
    assert ended.status == "SUCCEEDED", ended
    assert (ended.output["passed"], ended.output["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("code", "starts"), [("Throttling", 3), ("ExecutionLimitExceeded", 3), ("ExecutionAlreadyExists", 1)]
)
@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
def test_a_start_that_is_refused_for_now_is_tried_again(interpreter: Interpreter, code: str, starts: int) -> None:
    refused: list[str] = []

    def refuse_at_first(given: Mapping[str, Any]) -> Any:
        if json.loads(given["input"]).get("s3_key") and len(refused) < 2:
            refused.append(given["name"])
            return Refused(code)
        return {}

    tasks = Tasks({**answers(KEYS), "states": refuse_at_first})
    ended = interpreter(DEFINITIONS, {"s3_bucket": "b", "keys": ["k/a"]}, tasks)
    assert ended.calls["states"] == 1 + starts
    assert ended.output["passed" if starts > 1 else "failed"] == 1
