"""The SDK's ModelTrainer, as the notebooks of SageMaker's documentation use it.

It comes with the full SDK (`sagemaker-train`), which the app does without; the test is skipped where that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from backend import local_aws
from backend.environment import Environment
from tests.local_aws.sagemaker.examples import IMAGE_URI, training_request

pytestmark = pytest.mark.slow
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def role(environment: Environment, unique_name: str) -> Iterator[str]:
    """A role that may do everything: the trainer asks IAM before it asks SageMaker."""
    iam = environment.session.client("iam")
    made = iam.create_role(RoleName=unique_name, AssumeRolePolicyDocument=policy(TRUST))
    iam.put_role_policy(RoleName=unique_name, PolicyName="all", PolicyDocument=policy(EVERYTHING))
    yield made["Role"]["Arn"]
    iam.delete_role_policy(RoleName=unique_name, PolicyName="all")
    iam.delete_role(RoleName=unique_name)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.filterwarnings("ignore")  # the SDK's and MLflow's own
def test_a_model_trainer_trains_on_four_channels(
    environment: Environment,
    bucket: str,
    training_set: dict[str, str],
    unique_name: str,
    role: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train: Any = pytest.importorskip("sagemaker.train", reason="sagemaker-train, the full SDK, is not installed")
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.shapes import OutputDataConfig

    configs: Any = pytest.importorskip("sagemaker.train.configs")
    for name, value in local_aws.start(environment.settings.state_dir).variables().items():
        monkeypatch.setenv(name, value)
    trainer = train.ModelTrainer(
        training_image=IMAGE_URI,
        base_job_name=unique_name,
        role=role,
        sagemaker_session=Session(boto_session=environment.session, default_bucket=bucket),
        hyperparameters=training_request(unique_name, bucket, training_set)["HyperParameters"],
        compute=configs.Compute(instance_type="ml.p3.2xlarge", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        input_data_config=[
            configs.InputData(channel_name=name, data_source=uri, content_type="application/x-image")
            for name, uri in training_set.items()
        ],
    )
    trainer.train(wait=True, logs=True)
    [job] = environment.sagemaker.list_training_jobs(NameContains=unique_name)["TrainingJobSummaries"]
    assert job["TrainingJobStatus"] == "Completed"
    described = environment.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert {channel["ChannelName"] for channel in described["InputDataConfig"]} == training_set.keys()
