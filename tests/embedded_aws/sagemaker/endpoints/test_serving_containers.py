"""Serving containers that die or do not answer, and the requests that they were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import LIMITS, ServedSageMaker, asked_all_the_time, serving

pytestmark = pytest.mark.system

KILLS = 3
WithLimits = Callable[..., ServedSageMaker]


@pytest.fixture
def with_limits(environment: Environment, bucket: str, tmp_path: Path) -> Iterator[WithLimits]:
    """Starts a SageMaker with other limits than the module's."""
    with ExitStack() as running:

        def start(**limits: Any) -> ServedSageMaker:
            own = ServedSageMaker(tmp_path / "own", environment, bucket, replace(LIMITS, **limits))
            return running.enter_context(serving(own))

        yield start


def test_a_container_that_is_killed_under_load_costs_no_request(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of())
    with asked_all_the_time(served, name) as answers:
        for _ in range(KILLS):
            wait_until(more(answers))
            (victim,) = served.containers(name)
            victim.kill()
        wait_until(more(answers))
    assert answers.keys() == {b"[0.9, 0.1]"}
    assert served.describe(name)["EndpointStatus"] == "InService"


def more(answers: Counter[bytes]) -> Callable[[], bool]:
    """Whether twenty more answers have come than now."""
    enough = answers.total() + 20
    return lambda: answers.total() >= enough


def test_a_request_whose_container_dies_is_asked_anew(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of(dies=1))
    assert served.invoke(name)["Body"] == b"[0.9, 0.1]"


def test_a_request_that_kills_every_container_is_given_up(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of(dies=3))
    with pytest.raises(served.runtime.exceptions.ServiceUnavailable, match="ended before it answered"):
        served.invoke(name)
    assert served.invoke(name)["Body"] == b"[0.9, 0.1]"


def test_a_model_that_is_not_ready_says_so(with_limits: WithLimits) -> None:
    served = with_limits(restart_seconds=0.3)
    name = served.serving(served.config_of(dies=1, starts=1))
    with pytest.raises(served.runtime.exceptions.ModelNotReadyException) as caught:
        served.invoke(name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_request_whose_container_does_not_come_back_goes_to_the_next_model(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of(dies=1, starts=1))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(served.invoke, name)
        (worker,) = served.workers(name)
        wait_until(lambda: not worker.is_ready)
        served.update(name, served.config_of(answer="new"))
        assert answer.result()["Body"] == b"new"


def test_a_model_that_does_not_answer_in_time_is_a_model_error(with_limits: WithLimits, tmp_path: Path) -> None:
    served = with_limits(answer_seconds=0.3)
    hold = tmp_path / "hold"
    name = served.serving(served.config_of(hold=str(hold)))
    with refused("ModelError", "Your invocation timed out while waiting for a response from container primary."):
        served.invoke(name)
    hold.touch()


def test_a_container_that_never_answers_a_ping_fails_its_endpoint(with_limits: WithLimits, tmp_path: Path) -> None:
    served = with_limits(ready_seconds=0.5)
    name = served.create(served.config_of(gate=str(tmp_path / "never")))
    served.reached(name, "Failed")
    assert "the container did not answer /ping within" in served.describe(name)["FailureReason"]


def test_a_container_that_does_not_end_is_killed(with_limits: WithLimits) -> None:
    served = with_limits(serving_end_seconds=0.3)
    name = served.serving(served.config_of(stubborn=True))
    (process,) = served.containers(name)
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert not process.is_running()
