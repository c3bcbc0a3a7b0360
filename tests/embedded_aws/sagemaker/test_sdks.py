"""The SageMaker SDKs against the embedded SageMaker: version 2 with the cells of the course's notebook, and version 3.

Each pins what the other cannot live with, so neither is installed with the project: SCONES_SDK_V2 and SCONES_SDK_V3
name interpreters that have `sagemaker` with `jsonlines`, and `sagemaker-train`.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.examples import training_request

pytestmark = pytest.mark.slow
Script = Callable[[str, str], list[str]]
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NO_TELEMETRY = """
SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""
"""Otherwise the SDKs tell AWS of each call."""


@pytest.fixture
def role(environment: Environment, unique_name: str) -> Iterator[str]:
    """A role that may do everything: ModelTrainer asks IAM before it asks SageMaker."""
    iam = environment.session.client("iam")
    made = iam.create_role(RoleName=unique_name, AssumeRolePolicyDocument=policy(TRUST))
    iam.put_role_policy(RoleName=unique_name, PolicyName="all", PolicyDocument=policy(EVERYTHING))
    yield made["Role"]["Arn"]
    iam.delete_role_policy(RoleName=unique_name, PolicyName="all")
    iam.delete_role(RoleName=unique_name)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def run(
    client_environment: dict[str, str],
    bucket: str,
    training_set: dict[str, str],
    unique_name: str,
    role: str,
    tmp_path: Path,
) -> Script:
    """Runs a script of the folder `sdks` on the training set, in the interpreter that a variable names.

    Returns the lines that it printed; fails the test, with them, when the script fails.
    """
    config = tmp_path / "config.yaml"
    config.write_text(NO_TELEMETRY)
    variables = client_environment | {"SAGEMAKER_USER_CONFIG_OVERRIDE": str(config)}
    hyperparameters = training_request(unique_name, bucket, training_set)["HyperParameters"]
    given = (unique_name, role, bucket, json.dumps(training_set), json.dumps(hyperparameters))

    def in_interpreter(variable: str, script: str) -> list[str]:
        if variable not in os.environ:
            pytest.skip(f"{variable} names no interpreter with the SDK; `make check-full` makes one")
        path = Path(__file__).parent / "sdks" / script
        command = [os.environ[variable], str(path), *given]
        finished = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert finished.returncode == 0, finished.stdout
        return finished.stdout.splitlines()

    return in_interpreter


def test_the_cells_of_the_courses_notebook_work(
    run: Script, environment: Environment, bucket: str, unique_name: str
) -> None:
    report = json.loads(run("SCONES_SDK_V2", "course_notebook.py")[-1])
    job = environment.sagemaker.describe_training_job(TrainingJobName=report["job"])
    assert job["TrainingJobStatus"] == "Completed"
    first, second = report["predictions"]
    assert first == second
    assert sum(first) == pytest.approx(1, abs=1e-5)
    assert [execution["status"] for execution in report["executions"]] == ["SUCCEEDED"] * 3
    outputs = [execution["output"]["body"] for execution in report["executions"]]
    for output in outputs:
        name = output["s3_key"].removeprefix("test/")
        stored = environment.s3.get_object(Bucket=bucket, Key=f"set/validation/{name}")["Body"].read()
        assert output["image_data"] == base64.b64encode(stored).decode()
    answers = [first, second, *(json.loads(output["inferences"]) for output in outputs)]
    assert report["confidences"] == [max(answer) for answer in answers]
    assert report["times"] == sorted(report["times"])
    assert_nothing_is_left(environment, report, unique_name)


def assert_nothing_is_left(environment: Environment, report: dict[str, Any], name: str) -> None:
    assert environment.sagemaker.list_endpoints(NameContains=report["endpoint"])["Endpoints"] == []
    assert environment.sagemaker.list_models(NameContains=name)["Models"] == []
    assert report["bucket"] not in [item["Name"] for item in environment.s3.list_buckets()["Buckets"]]
    functions = environment.lambda_.get_paginator("list_functions").paginate().build_full_result()["Functions"]
    assert not [item for item in functions if item["FunctionName"].startswith(name)]
    machines = environment.stepfunctions.list_state_machines()["stateMachines"]
    assert not [item for item in machines if item["name"] == name]


def test_a_model_trainer_trains_on_four_channels(
    run: Script, environment: Environment, training_set: dict[str, str], unique_name: str
) -> None:
    log = run("SCONES_SDK_V3", "model_trainer.py")
    [job] = environment.sagemaker.list_training_jobs(NameContains=unique_name)["TrainingJobSummaries"]
    described = environment.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert described["TrainingJobStatus"] == "Completed"
    assert {channel["ChannelName"] for channel in described["InputDataConfig"]} == training_set.keys()
    assert any("Validation-accuracy" in line for line in log), "\n".join(log)
