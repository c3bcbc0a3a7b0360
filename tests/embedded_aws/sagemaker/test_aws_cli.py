"""The AWS CLI against the embedded SageMaker, and S3 as the course's notebook stages its images with it.

The CLI pins a botocore of its own, so it is not installed with the project: it is the `aws` on the PATH, or what
SCONES_AWS_CLI names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN, training_request, variant
from tests.embedded_aws.sagemaker.scripted import wait_until

pytestmark = pytest.mark.slow
Cli = Callable[..., str]
Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def cli(client_environment: dict[str, str]) -> Cli:
    """Runs `aws`, and returns what it prints; raises CalledProcessError when it fails."""
    program = os.environ.get("SCONES_AWS_CLI") or shutil.which("aws")
    if program is None:
        pytest.skip("there is no AWS CLI: put aws on the PATH, or name it in SCONES_AWS_CLI")

    def run(*words: str) -> str:
        variables = client_environment | {"AWS_PAGER": ""}
        return subprocess.run([program, *words], env=variables, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture(scope="module")
def aws(cli: Cli) -> Aws:
    """Runs `aws sagemaker`, and returns what it prints as JSON; raises CalledProcessError when it fails."""

    def run(*words: str) -> Any:
        printed = cli("sagemaker", *words, "--output", "json")
        return json.loads(printed) if printed else None

    return run


def test_the_cli_stages_a_folder_of_images_and_then_only_what_changed(
    cli: Cli, environment: Environment, bucket: str, unique_name: str, tmp_path: Path
) -> None:
    names = [f"bicycle_s_{number:06}.png" for number in range(40)]
    for name in names:
        (tmp_path / name).write_bytes(f"image {name}".encode())
    sync = ("s3", "sync", str(tmp_path), f"s3://{bucket}/{unique_name}/train/", "--no-progress")
    assert cli(*sync).count("upload: ") == len(names)
    for name in names:
        stored = environment.s3.get_object(Bucket=bucket, Key=f"{unique_name}/train/{name}")["Body"].read()
        assert stored == f"image {name}".encode()
    (tmp_path / names[7]).write_bytes(b"another image")
    [line] = cli(*sync).splitlines()
    assert line.endswith(f"to s3://{bucket}/{unique_name}/train/{names[7]}")
    assert cli(*sync) == ""


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
