"""Many images at once on the embedded AWS, with answers that the images themselves hold."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from backend import cleanup, workflow
from backend.aws.environment import Environment, open_environment
from backend.aws.polling import attempts
from backend.errors import FanOutNotPossible
from backend.settings import Settings
from backend.workflow import fan_out
from backend.workflow.fan_out import FanOut, Summary
from tests.machine import THRESHOLD, Machine, answer, picture
from tests.projects import of_project

pytestmark = pytest.mark.system

LABELS = ("bicycle", "motorcycle", "other")
ANSWERS = {
    "a-sure": answer(3, 0, THRESHOLD),
    "b-sure": answer(3, 1, 0.99),
    "c-unsure": answer(3, 1, THRESHOLD - 0.1),
    "d-unknown": answer(3, 2, 0.99),
    "e-broken": "fail",
}
ENDS = ["passed", "passed", "rejected", "not a known class", "failed"]
PREFIX = "uploads/many ü/"


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    own = of_project(environment, "scones-many")
    Machine(own, LABELS)
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


@pytest.fixture(scope="module")
def keys(project: Environment) -> list[str]:
    """104 images, the last five of them on a page of their own, and one beside them that is not under the prefix."""
    contents = {f"{PREFIX}{number:03}-{name}.png": given for number in range(21) for name, given in ANSWERS.items()}
    del contents[f"{PREFIX}000-a-sure.png"]
    with ThreadPoolExecutor(8) as pool:
        for key, given in [*contents.items(), ("uploads/other.png", ANSWERS["a-sure"])]:
            pool.submit(project.s3.put_object, Bucket=project.bucket, Key=key, Body=picture(given))
    return sorted(contents)


def ended(project: Environment, name: str) -> FanOut:
    for _ in attempts(f"Fan-out {name}", 120):
        found = fan_out.describe_fan_out(project, name)
        assert found is not None
        if not found.is_running:
            return found
    raise AssertionError


def test_all_under_a_prefix_go_through_the_workflow_whatever_becomes_of_each(
    project: Environment, keys: list[str]
) -> None:
    name = fan_out.start_fan_out(project, prefix=PREFIX)
    found = ended(project, name)
    classes = {
        "bicycle": {"passed": 20},
        "motorcycle": {"passed": 21, "rejected": 21},
        "other": {"not a known class": 21},
    }
    assert (found.status, found.prefix, found.pages) == ("SUCCEEDED", PREFIX, 2)
    assert found.summary == Summary(104, 41, 21, 21, 21, classes)
    sent = [fan_out.read_page(project, name, page) for page in (1, 2, 3)]
    assert [len(page) for page in sent] == [100, 4, 0]
    images = [image for page in sent for image in page]
    assert [image.key for image in images] == keys
    assert Counter(image.outcome for image in images) == {
        "passed": 41,
        "rejected": 21,
        "not a known class": 21,
        "failed": 21,
    }
    for image, end in zip(images[-5:], ENDS, strict=True):
        execution = workflow.describe_execution(project, image.execution)
        assert (execution.outcome, execution.s3_key, execution.error or "") == (end, image.key, image.error)
    assert fan_out.list_fan_outs(project)[0] == name


def test_those_of_a_list_do_and_one_that_is_gone_costs_itself(project: Environment, keys: list[str]) -> None:
    chosen = [keys[0], "uploads/gone.png", keys[1]]
    name = fan_out.start_fan_out(project, keys=chosen)
    found = ended(project, name)
    assert (found.status, found.keys, found.summary.images, found.summary.failed) == ("SUCCEEDED", 3, 3, 1)
    images = fan_out.read_page(project, name, 1)
    assert [image.key for image in images] == chosen
    assert [image.error for image in images if image.outcome == "failed"] == ["ImageMissing"]


def test_its_output_is_the_summary(project: Environment, keys: list[str]) -> None:
    name = fan_out.start_fan_out(project, keys=keys[:5])
    found = ended(project, name)
    arn = project.names.fan_out_execution_arn(name)
    output = json.loads(project.stepfunctions.describe_execution(executionArn=arn)["output"])
    summary = found.summary
    assert output == {
        "images": 5,
        "passed": summary.passed,
        "rejected": summary.rejected,
        "not a known class": summary.unknown,
        "failed": summary.failed,
        "by_class": summary.by_class,
    }


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"prefix": "nothing/"}, "NoImages"),
        ({"prefix": ""}, "InvalidInput"),
        ([], "InvalidInput"),
        ("x", "InvalidInput"),
    ],
)
def test_what_names_no_images_is_refused_in_words(project: Environment, content: object, error: str) -> None:
    given = {"s3_bucket": project.bucket, **content} if isinstance(content, dict) else content
    started = project.stepfunctions.start_execution(stateMachineArn=project.names.fan_out_arn, input=json.dumps(given))[
        "executionArn"
    ]
    found = ended(project, started.rpartition(":")[2])
    assert (found.status, found.error) == ("FAILED", error)
    assert str(found.cause).endswith(".")


def test_more_keys_than_an_execution_takes_are_refused_with_what_to_do(project: Environment) -> None:
    with pytest.raises(FanOutNotPossible, match=r"10,000 keys are [\d,]+ bytes, .* Send them in parts"):
        fan_out.start_fan_out(project, keys=[f"uploads/{number:030}.png" for number in range(10_000)])


def test_stopping_it_starts_nothing_more_and_stops_what_runs(project: Environment, keys: list[str]) -> None:
    name = fan_out.start_fan_out(project, prefix=PREFIX)
    for _ in attempts("The first image", 30, longest_pause=0.1):
        if running := _running(project):
            break
    assert running
    fan_out.stop_fan_out(project, name)
    assert ended(project, name).status == "ABORTED"
    assert ended(project, f"{name}-0001").status == "ABORTED"
    for _ in attempts("The end of what runs", 30):
        if not _running(project):
            break
    sent = [one for one in _names(project) if one.startswith(f"{name}-")]
    assert 0 < len(sent) < len(keys)
    assert _names(project, statusFilter="RUNNING") == []


def _running(project: Environment) -> list[str]:
    return _names(project, statusFilter="RUNNING")


def _names(project: Environment, **only: str) -> list[str]:
    pages = project.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=project.names.state_machine_arn,
        **only,  # type: ignore[arg-type]
    )
    return [item["name"] for page in pages for item in page["executions"]]


@pytest.mark.slow
def test_a_step_functions_that_dies_in_the_middle_ends_all_that_ran_and_keeps_what_had_ended(tmp_path: Path) -> None:
    settings = Settings(environment="embedded", state_dir=tmp_path, project="scones-killed")
    with closing(open_environment(settings)) as project:
        Machine(project, LABELS)
        keys = [f"uploads/{number}.png" for number in range(60)]
        for key in keys:
            project.s3.put_object(Bucket=project.bucket, Key=key, Body=picture(ANSWERS["a-sure"]))
        name = fan_out.start_fan_out(project, prefix="uploads/")
        for _ in attempts("Some images", 60, longest_pause=0.1):
            if len(passed := _names(project, statusFilter="SUCCEEDED")) > 10:
                break
        os.kill(int((tmp_path / "aws" / "ministack.lock").read_text()), signal.SIGKILL)
        found = ended(project, name)
        assert (found.status, found.error) == ("FAILED", "States.ServiceRestart")
        assert _names(project, statusFilter="RUNNING") == []
        assert set(passed) <= set(_names(project, statusFilter="SUCCEEDED"))
        assert len(_names(project, statusFilter="FAILED")) <= 8


def test_a_workflow_from_before_says_that_it_cannot(environment: Environment) -> None:
    bare = of_project(environment, "scones-no-machine")
    with pytest.raises(FanOutNotPossible, match="Update the workflow"):
        fan_out.start_fan_out(bare, prefix="any/")
    assert fan_out.list_fan_outs(bare) == []
    assert fan_out.describe_fan_out(bare, "any") is None
