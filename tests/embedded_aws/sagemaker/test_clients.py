"""The clients that people use on AWS, used here: the SDK's resources, boto3's waiters and paginators."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN, training_request

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def trained(environment: Environment, bucket: str, training_set: dict[str, str]) -> Any:
    """A training job of the SDK, which has completed."""
    from sagemaker.core.resources import TrainingJob
    from sagemaker.core.shapes import (
        AlgorithmSpecification,
        Channel,
        DataSource,
        OutputDataConfig,
        ResourceConfig,
        S3DataSource,
        StoppingCondition,
    )

    def channel(name: str, uri: str) -> Channel:
        source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri)
        return Channel(channel_name=name, data_source=DataSource(s3_data_source=source))

    name = f"Test-{uuid.uuid4().hex[:12]}"
    job = TrainingJob.create(
        training_job_name=name,
        role_arn=ROLE_ARN,
        algorithm_specification=AlgorithmSpecification(training_image=IMAGE_URI, training_input_mode="File"),
        hyper_parameters=training_request(name, bucket, training_set)["HyperParameters"],
        input_data_config=[channel(name, uri) for name, uri in training_set.items()],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        resource_config=ResourceConfig(instance_type="ml.p3.2xlarge", instance_count=1, volume_size_in_gb=50),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        tags=[{"key": "project", "value": "scones"}],
        session=environment.session,
        region=environment.region,
    )
    job.wait(poll=1)
    return job


def test_the_sdk_follows_a_job_to_its_end(trained: Any) -> None:
    trained.refresh()
    assert trained.training_job_status == "Completed"
    assert trained.training_job_arn.endswith(f"training-job/{trained.training_job_name.lower()}")
    assert {metric.metric_name for metric in trained.final_metric_data_list} == {
        "train:accuracy",
        "validation:accuracy",
    }


def test_the_sdk_finds_a_job_again(trained: Any, environment: Environment) -> None:
    from sagemaker.core.resources import TrainingJob

    name = trained.training_job_name
    connection: dict[str, Any] = {"session": environment.session, "region": environment.region}
    assert TrainingJob.get(name, **connection).training_start_time == trained.training_start_time
    assert [job.training_job_name for job in TrainingJob.get_all(name_contains=name, **connection)] == [name]


def test_the_trained_model_is_in_s3(trained: Any, environment: Environment) -> None:
    bucket, _, key = trained.model_artifacts.s3_model_artifacts.removeprefix("s3://").partition("/")
    content = environment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        assert sum(member.size for member in tar.getmembers()) > 100_000


def test_the_log_is_the_algorithms_own(trained: Any, environment: Environment) -> None:
    events = environment.logs.filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{trained.training_job_name}/algo-1-"
    )["events"]
    assert [event for event in events if "Epoch[0] Validation-accuracy=" in event["message"]]


def test_the_sdk_makes_a_model_and_a_configuration_of_it(trained: Any, environment: Environment) -> None:
    from sagemaker.core.resources import EndpointConfig, Model
    from sagemaker.core.shapes import ContainerDefinition, ProductionVariant

    connection: dict[str, Any] = {"session": environment.session, "region": environment.region}
    name = f"{trained.training_job_name}-model"
    container = ContainerDefinition(image=IMAGE_URI, model_data_url=trained.model_artifacts.s3_model_artifacts)
    model = Model.create(model_name=name, execution_role_arn=ROLE_ARN, primary_container=container, **connection)
    variant = ProductionVariant(
        variant_name="AllTraffic", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
    )
    config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], **connection)
    assert config.production_variants[0].model_name == model.model_name == name
    assert [found.endpoint_config_name for found in EndpointConfig.get_all(name_contains=name, **connection)] == [name]
    config.delete()
    model.delete()
    assert not list(Model.get_all(name_contains=name, **connection))


def test_the_tags_given_to_the_sdk_are_there(trained: Any, sagemaker: SageMakerClient) -> None:
    tags = sagemaker.list_tags(ResourceArn=trained.training_job_arn)["Tags"]
    assert tags == [{"Key": "project", "Value": "scones"}]


def test_boto3_waits_for_a_job_that_has_completed(trained: Any, sagemaker: SageMakerClient) -> None:
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=trained.training_job_name, WaiterConfig={"MaxAttempts": 1})


def test_boto3_stops_waiting_for_a_job_that_has_failed(
    sagemaker: SageMakerClient, bucket: str, training_set: dict[str, str], unique_name: str
) -> None:
    request = training_request(unique_name, bucket, training_set, HyperParameters={"num_classes": "two"})
    sagemaker.create_training_job(**request)
    with pytest.raises(WaiterError, match='we matched expected path: "Failed"'):
        sagemaker.get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName=unique_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    reason = sagemaker.describe_training_job(TrainingJobName=unique_name)["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert reason.endswith(", exit code: 1")


def test_boto3_pages_through_every_model(sagemaker: SageMakerClient, unique_name: str) -> None:
    names = [f"{unique_name}-{number}" for number in range(5)]
    for name in names:
        sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE_URI})
    pages = sagemaker.get_paginator("list_models").paginate(
        NameContains=unique_name, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [names[:2], names[2:4], names[4:]]
