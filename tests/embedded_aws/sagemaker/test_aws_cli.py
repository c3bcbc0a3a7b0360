"""The AWS CLI against the embedded SageMaker.

The CLI pins a botocore of its own, so it is not installed with the project: it is the `aws` on the PATH, or what
SCONES_AWS_CLI names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN, training_request, variant
from tests.embedded_aws.sagemaker.scripted import wait_until

pytestmark = pytest.mark.slow
Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def aws(client_environment: dict[str, str]) -> Aws:
    """Runs `aws sagemaker`, and returns what it prints as JSON; raises CalledProcessError when it fails."""
    program = os.environ.get("SCONES_AWS_CLI") or shutil.which("aws")
    if program is None:
        pytest.skip("there is no AWS CLI: put aws on the PATH, or name it in SCONES_AWS_CLI")

    def run(*words: str) -> Any:
        command = [program, "sagemaker", *words, "--output", "json"]
        variables = client_environment | {"AWS_PAGER": ""}
        finished = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        return json.loads(finished.stdout) if finished.stdout else None

    return run


def test_the_cli_trains(aws: Aws, bucket: str, training_set: dict[str, str], unique_name: str) -> None:
    created = aws(
        "create-training-job", "--cli-input-json", json.dumps(training_request(unique_name, bucket, training_set))
    )
    assert created["TrainingJobArn"].endswith(f"training-job/{unique_name}")
    job = ("--training-job-name", unique_name)
    wait_until(lambda: aws("describe-training-job", *job)["TrainingJobStatus"] != "InProgress")
    aws("wait", "training-job-completed-or-stopped", *job)  # looks every two minutes
    assert aws("describe-training-job", *job)["TrainingJobStatus"] == "Completed"
    listed = aws("list-training-jobs", "--name-contains", unique_name, "--status-equals", "Completed")
    assert [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]] == [unique_name]


def test_the_cli_makes_a_model_and_a_configuration(aws: Aws, model_data: str, unique_name: str) -> None:
    container = f"Image={IMAGE_URI},ModelDataUrl={model_data}"
    role = ("--execution-role-arn", ROLE_ARN)
    arn = aws("create-model", "--model-name", unique_name, "--primary-container", container, *role)["ModelArn"]
    variants = json.dumps([variant(unique_name)])
    aws("create-endpoint-config", "--endpoint-config-name", unique_name, "--production-variants", variants)
    aws("add-tags", "--resource-arn", arn, "--tags", "Key=project,Value=scones")
    assert aws("list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "project", "Value": "scones"}]
    described = aws("describe-endpoint-config", "--endpoint-config-name", unique_name)
    assert described["ProductionVariants"][0]["ModelName"] == unique_name
    aws("delete-endpoint-config", "--endpoint-config-name", unique_name)
    aws("delete-model", "--model-name", unique_name)
    assert aws("list-models", "--name-contains", unique_name)["Models"] == []


def test_the_cli_pages_by_itself(aws: Aws, unique_name: str) -> None:
    for number in range(3):
        container = f"Image={IMAGE_URI}"
        aws("create-model", "--model-name", f"{unique_name}-{number}", "--primary-container", container)
    listed = aws("list-models", "--name-contains", unique_name, "--page-size", "1")
    assert len(listed["Models"]) == 3


def test_the_cli_says_what_the_service_says(aws: Aws) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        aws("describe-model", "--model-name", "none")
    assert "(ValidationException) when calling the DescribeModel operation: Could not find model" in caught.value.stderr
