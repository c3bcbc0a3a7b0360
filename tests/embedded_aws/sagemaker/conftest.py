"""A client whose every answer is checked, a bucket, and a training set of a few images."""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from PIL import Image

import embedded_aws
from backend.aws.environment import Environment
from embedded_aws.sagemaker.service import Service
from tests.embedded_aws.sagemaker.capture.captured import Spooled
from tests.embedded_aws.sagemaker.conformance import Post, check_answer
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN, training_request, variant
from tests.embedded_aws.sagemaker.scripted import Jobs, training_service
from tests.embedded_aws.sagemaker.served import ServedSageMaker, serving

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

REAL_ENDPOINT = "real-endpoint"


@pytest.fixture(scope="session")
def sagemaker(environment: Environment) -> SageMakerClient:
    """A SageMaker client of the embedded AWS; an answer that AWS's model does not declare fails the test."""
    client = environment.session.client("sagemaker")
    client.meta.events.register("before-parse.sagemaker", check_answer)
    return client


@pytest.fixture(scope="session")
def post(environment: Environment) -> Post:
    """Posts a body, as it is, for an operation, signed but not checked by boto3; returns the status and the answer."""

    def send(operation: str, body: Any) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-Amz-Target": f"SageMaker.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        request = AWSRequest("POST", environment.sagemaker.meta.endpoint_url, headers, data)
        credentials = environment.session.get_credentials()
        assert credentials is not None
        SigV4Auth(credentials, "sagemaker", environment.region).add_auth(request)
        response = URLLib3Session().send(request.prepare())
        return response.status_code, json.loads(response.content)

    return send


@pytest.fixture(scope="session")
def client_environment(environment: Environment) -> dict[str, str]:
    """The variables of another program that uses the embedded AWS; nothing else of this process's but PATH and HOME."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return inherited | embedded_aws.start(environment.settings.state_dir).variables()


@pytest.fixture
def unique_name() -> str:
    """A name that nothing has yet: tests share one SageMaker."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def bucket(environment: Environment) -> Iterator[str]:
    """A bucket of these tests."""
    name = f"sagemaker-tests-{uuid.uuid4().hex[:8]}"
    environment.s3.create_bucket(Bucket=name)
    yield name
    for page in environment.s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            environment.s3.delete_object(Bucket=name, Key=item["Key"])
    environment.s3.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def model_data(environment: Environment, bucket: str) -> str:
    """The URI of an object that passes for model data as long as nobody serves it."""
    environment.s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=b"")
    return f"s3://{bucket}/model.tar.gz"


@pytest.fixture
def model(sagemaker: SageMakerClient, model_data: str) -> Iterator[str]:
    """The name of a model."""
    name = f"model-{uuid.uuid4().hex[:12]}"
    container = {"Image": IMAGE_URI, "ModelDataUrl": model_data}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)  # type: ignore[arg-type]
    yield name
    sagemaker.delete_model(ModelName=name)


@pytest.fixture(scope="session")
def training_set(environment: Environment, bucket: str) -> dict[str, str]:
    """Sixteen 32x32 images for training and for validation, half of them dark, half bright: each channel's URI."""
    for split in ("train", "validation"):
        for index in range(16):
            key = f"set/{split}/{index}.png"
            environment.s3.put_object(Bucket=bucket, Key=key, Body=_png(200 * (index % 2) + index))
        lines = "".join(f"{index}\t{index % 2}\t{index}.png\n" for index in range(16))
        environment.s3.put_object(Bucket=bucket, Key=f"set/{split}.lst", Body=lines.encode())
    keys = {
        "train": "train/",
        "validation": "validation/",
        "train_lst": "train.lst",
        "validation_lst": "validation.lst",
    }
    return {name: f"s3://{bucket}/set/{key}" for name, key in keys.items()}


@pytest.fixture(scope="session")
def trained_model(sagemaker: SageMakerClient, bucket: str, training_set: dict[str, str]) -> str:
    """The URI of a model.tar.gz that the real algorithm learned: a ResNet-20 for 32x32 images of two classes."""
    name = f"trained-{uuid.uuid4().hex[:12]}"
    sagemaker.create_training_job(**training_request(name, bucket, training_set))
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    return sagemaker.describe_training_job(TrainingJobName=name)["ModelArtifacts"]["S3ModelArtifacts"]


@pytest.fixture(scope="session")
def real_endpoint(sagemaker: SageMakerClient, trained_model: str) -> str:
    """The name of an endpoint of the embedded AWS that serves what the real algorithm learned."""
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": trained_model}
    variants: Any = [variant(REAL_ENDPOINT)]
    sagemaker.create_model(ModelName=REAL_ENDPOINT, PrimaryContainer=container)
    sagemaker.create_endpoint_config(EndpointConfigName=REAL_ENDPOINT, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=REAL_ENDPOINT, EndpointConfigName=REAL_ENDPOINT)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=REAL_ENDPOINT, WaiterConfig={"Delay": 1})
    return REAL_ENDPOINT


@pytest.fixture
def service(environment: Environment, tmp_path: Path) -> Iterator[Service]:
    """A service of its own in this process, whose containers are the scripted ones; training runs one job at a time."""
    with training_service(tmp_path, environment) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(
    environment: Environment, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedSageMaker]:
    """A SageMaker of a module's own in this process, whose serving containers are the scripted ones."""
    with serving(ServedSageMaker(tmp_path_factory.mktemp("served"), environment, bucket)) as sagemaker:
        yield sagemaker


@pytest.fixture
def spooled(environment: Environment, bucket: str, tmp_path: Path, unique_name: str) -> Iterator[Spooled]:
    """A spool whose records go below a prefix of their own."""
    opened = Spooled(tmp_path / "capture", environment.s3, bucket, unique_name)
    yield opened
    opened.spool.close()


@pytest.fixture
def jobs(service: Service, environment: Environment, bucket: str) -> Jobs:
    """Scripted training jobs, with one file in their one channel."""
    environment.s3.put_object(Bucket=bucket, Key="scripted/data.txt", Body=b"data")
    return Jobs(service, environment, bucket)


def _png(brightness: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (32, 32), (brightness,) * 3).save(content, "PNG")
    return content.getvalue()
