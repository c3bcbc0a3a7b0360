"""The endpoint's life: deployed, described with its lineage, deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend import deployment, staging, training
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.deployment.serving import create_endpoint_config
from backend.errors import EndpointNotInService, ModelMissing, TrainingFailed
from backend.training.algorithm import algorithm_image
from tests import answers

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def endpoint(environment: Environment, trained_job: training.TrainingJob) -> deployment.Endpoint:
    deployment.deploy_model(environment, trained_job.name, deployment.DeploymentOptions())
    return deployment.wait_for_endpoint(environment)


def test_the_endpoint_knows_where_its_model_came_from(
    endpoint: deployment.Endpoint, trained_job: training.TrainingJob, dataset: staging.Dataset
) -> None:
    assert endpoint.training_job == trained_job.name
    assert endpoint.dataset_id == dataset.dataset_id
    assert endpoint.labels == ("bicycle", "motorcycle")
    assert endpoint.model_artifact == trained_job.model_artifact


def test_every_inference_is_captured_below_the_capture_prefix(
    environment: Environment, endpoint: deployment.Endpoint
) -> None:
    assert endpoint.capture_percent == 100
    assert endpoint.capture_destination == f"s3://{environment.bucket}/data_capture"


def test_an_image_is_answered_with_a_probability_for_each_label(
    environment: Environment, endpoint: deployment.Endpoint, dataset: staging.Dataset
) -> None:
    image = staging.list_images(environment, dataset, "test")[0]
    response = environment.sagemaker_runtime.invoke_endpoint(
        EndpointName=endpoint.name, ContentType="image/png", Body=staging.read_image(environment, image.key)
    )
    probabilities = json.loads(response["Body"].read())
    assert len(probabilities) == 2
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def test_a_job_without_a_model_cannot_be_deployed(environment: Environment, dataset: staging.Dataset) -> None:
    name = training.start_training(environment, dataset, training.TrainingOptions(num_layers=21))
    with pytest.raises(TrainingFailed):
        training.wait_for_training(environment, name)
    with pytest.raises(ModelMissing, match="no model to deploy"):
        deployment.deploy_model(environment, name, deployment.DeploymentOptions())


def test_a_stopped_jobs_model_can_be_deployed(environment: Environment, dataset: staging.Dataset) -> None:
    name = training.start_training(environment, dataset, training.TrainingOptions(epochs=500))
    for _ in attempts("An epoch", timeout=60):
        if training.read_training_log(environment, name).accuracy is not None:
            break
    training.stop_training(environment, name)
    with pytest.raises(TrainingFailed, match="Stopped"):
        training.wait_for_training(environment, name)
    job = training.describe_training(environment, name)
    assert deployment.deployable(environment, [job]) == [job]


def test_nothing_is_captured_where_nothing_is_asked_for() -> None:
    account = answers.account()
    asked: list[dict[str, Any]] = []

    def create(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"EndpointConfigArn": "arn"}

    with answers.answered(account.sagemaker, "CreateEndpointConfig", create):
        create_endpoint_config(account, "config", deployment.DeploymentOptions(capture_percent=0))
    capture = asked[0]["DataCaptureConfig"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (False, 0)


def test_a_change_that_sagemaker_took_back_is_no_success(
    environment: Environment, endpoint: deployment.Endpoint
) -> None:
    environment.s3.put_object(Bucket=environment.bucket, Key="models/broken.tar.gz", Body=b"no archive")
    _configure(environment, f"s3://{environment.bucket}/models/broken.tar.gz", "broken")
    environment.sagemaker.update_endpoint(EndpointName=endpoint.name, EndpointConfigName="broken")
    with pytest.raises(EndpointNotInService, match=r"took the change back .* serves what it served before"):
        deployment.wait_for_endpoint(environment, config="broken")
    assert deployment.wait_for_endpoint(environment, config=endpoint.endpoint_config).in_service


def test_deleting_the_endpoint_takes_its_configuration_and_model_along(
    environment: Environment, endpoint: deployment.Endpoint
) -> None:
    assert endpoint.model is not None
    deployment.delete_endpoint(environment)
    with pytest.raises(EndpointNotInService, match="does not exist"):
        deployment.wait_for_endpoint(environment)
    assert environment.sagemaker.list_endpoint_configs(NameContains=endpoint.endpoint_config)["EndpointConfigs"] == []
    assert environment.sagemaker.list_models(NameContains=endpoint.model)["Models"] == []


def test_a_model_from_elsewhere_serves_without_a_lineage(
    environment: Environment, trained_job: training.TrainingJob
) -> None:
    """Its path looks like a training job's, but this account has no such job."""
    foreign = "models/somebody-elses-job/output/model.tar.gz"
    own = str(trained_job.model_artifact).removeprefix(f"s3://{environment.bucket}/")
    environment.s3.copy_object(
        Bucket=environment.bucket, Key=foreign, CopySource={"Bucket": environment.bucket, "Key": own}
    )
    _configure(environment, f"s3://{environment.bucket}/{foreign}", "elsewhere")
    environment.sagemaker.create_endpoint(EndpointName=environment.names.endpoint, EndpointConfigName="elsewhere")
    state = deployment.wait_for_endpoint(environment)
    assert state.in_service
    assert state.model_artifact == f"s3://{environment.bucket}/{foreign}"
    assert (state.training_job, state.dataset_id, state.labels) == (None, None, ())
    deployment.delete_endpoint(environment)


def _configure(environment: Environment, artifact: str, name: str) -> None:
    """A model to put into service, as other people's code makes it."""
    sagemaker = environment.sagemaker
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": algorithm_image(environment), "ModelDataUrl": artifact},
        ExecutionRoleArn=environment.names.sagemaker_role_arn,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": name,
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
    )
