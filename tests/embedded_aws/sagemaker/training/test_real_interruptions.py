"""The real algorithm, stopped or killed while it trains; on an embedded AWS of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

import embedded_aws
from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.training.interruptible import BUCKET, interruptible_aws, job_request

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An embedded AWS that may be killed."""
    with interruptible_aws(tmp_path_factory.mktemp("own")) as environment:
        yield environment


@pytest.fixture
def training(own: Environment, unique_name: str) -> str:
    """The name of a job that trains for hours, and has finished its first epoch."""
    own.sagemaker.create_training_job(**job_request(unique_name, epochs=100_000))
    wait_until(lambda: "FinalMetricDataList" in describe(own, unique_name))
    return unique_name


def describe(environment: Environment, name: str) -> Any:
    return environment.sagemaker.describe_training_job(TrainingJobName=name)


def container_of(own: Environment) -> psutil.Process:
    """The process that trains."""
    supervisor = embedded_aws.start(own.settings.state_dir).supervisor
    assert supervisor is not None
    family = psutil.Process(supervisor.pid).children(recursive=True)
    return next(process for process in family if process.cmdline()[-1:] == ["train"])


def test_a_training_that_is_stopped_leaves_its_model(own: Environment, training: str) -> None:
    own.sagemaker.stop_training_job(TrainingJobName=training)
    wait_until(lambda: describe(own, training)["TrainingJobStatus"] == "Stopped")
    artifact = describe(own, training)["ModelArtifacts"]["S3ModelArtifacts"]
    key = artifact.removeprefix(f"s3://{BUCKET}/")
    assert own.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 100_000


def test_a_container_that_is_killed_fails_its_job(own: Environment, training: str) -> None:
    container_of(own).kill()
    wait_until(lambda: describe(own, training)["TrainingJobStatus"] == "Failed")
    assert describe(own, training)["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_a_service_that_is_killed_ends_its_job_and_comes_back(own: Environment, training: str) -> None:
    container = container_of(own)
    service = container.parent()
    assert service is not None
    service.kill()
    assert psutil.wait_procs([container], timeout=20)[1] == []
    wait_until(lambda: describe(own, training)["TrainingJobStatus"] == "Failed")
    assert describe(own, training)["FailureReason"].startswith("InternalServerError: The embedded SageMaker ended")
