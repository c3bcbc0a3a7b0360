"""UpdateEndpoint: from one model to another without losing a request, and back when the other does not load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import CLIENTS, ServedSageMaker, asked_all_the_time

pytestmark = pytest.mark.system

ENOUGH = 5 * CLIENTS
"""Answers of a version: more than one a client, so that each was answered by it."""


def test_an_update_loses_no_request(served: ServedSageMaker) -> None:
    first, second, third = (served.config_of(answer=answer) for answer in ("first", "second", "third"))
    name = served.serving(first)
    with asked_all_the_time(served, name) as answers:
        wait_until(lambda: answers[b"first"] >= ENOUGH)
        served.update(name, second)
        wait_until(lambda: answers[b"second"] >= ENOUGH)
        served.update(name, third)
        wait_until(lambda: answers[b"third"] >= ENOUGH)
    assert answers.keys() == {b"first", b"second", b"third"}
    assert served.history(name) == ["Creating", "InService", "Updating", "InService", "Updating", "InService"]
    assert served.describe(name)["EndpointConfigName"] == third


def test_what_the_old_model_was_asked_it_answers(served: ServedSageMaker, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    name = served.serving(served.config_of(answer="old", hold=str(hold)))
    with served.asked(name) as answer:
        served.update(name, served.config_of(answer="new"))
        served.reached(name, "InService")
        assert served.invoke(name)["Body"] == b"new"
        hold.touch()
        assert answer.result()["Body"] == b"old"


def test_the_old_container_ends(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of())
    (old,) = served.containers(name)
    served.update(name, served.config_of())
    served.reached(name, "InService")
    (new,) = served.containers(name)
    wait_until(lambda: not old.is_running())
    assert new.is_running()


def test_an_update_to_a_model_that_does_not_load_is_rolled_back(served: ServedSageMaker) -> None:
    good, broken = served.config_of(answer="good"), served.config_of(lines="broken", exit=1)
    name = served.serving(good)
    with asked_all_the_time(served, name) as answers:
        wait_until(lambda: answers[b"good"] >= ENOUGH)
        served.update(name, broken)
        wait_until(lambda: "RollingBack" in served.history(name))
        served.reached(name, "InService")
        seen = answers[b"good"]
        wait_until(lambda: answers[b"good"] >= seen + ENOUGH)
    assert answers.keys() == {b"good"}
    assert served.history(name) == ["Creating", "InService", "Updating", "RollingBack", "InService"]
    described = served.describe(name)
    assert described["EndpointConfigName"] == good
    assert "did not pass the ping health check: broken" in described["FailureReason"]


def test_the_reason_of_a_failed_update_goes_with_the_next_one(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of())
    served.update(name, served.config_of(exit=1))
    served.reached(name, "InService")
    served.update(name, served.config_of())
    served.reached(name, "InService")
    assert "FailureReason" not in served.describe(name)


def test_an_endpoint_that_is_being_updated_is_left_alone(served: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = served.serving(served.config_of(answer="old"))
    following = served.config_of(gate=str(gate))
    served.update(name, following)
    described = served.describe(name)
    assert described["EndpointStatus"] == "Updating"
    in_progress = f'Cannot update in-progress endpoint "{described["EndpointArn"]}".'
    with refused("ValidationException", in_progress):
        served.update(name, following)
    with refused("ValidationException", in_progress):
        served.sagemaker.delete_endpoint(EndpointName=name)
    assert served.invoke(name)["Body"] == b"old"
    gate.touch()
    served.reached(name, "InService")


def test_an_update_needs_a_configuration(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of())
    with refused("ValidationException", "Could not find endpoint configuration"):
        served.update(name, unique_name)
    assert served.describe(name)["EndpointStatus"] == "InService"


def test_a_deployment_that_is_guarded_is_refused(served: ServedSageMaker) -> None:
    config = served.config_of()
    name = served.serving(config)
    policy: Any = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}}}
    policy["RollingUpdatePolicy"]["WaitIntervalInSeconds"] = 0
    with refused("ValidationException", "does not support DeploymentConfig"):
        served.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=policy)
