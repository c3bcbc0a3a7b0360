"""Cleanup under what runs: an endpoint goes when it is settled, and what is left keeps what it needs."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backend import cleanup, deployment, foundation, jobs, overview, staging, training, workflow
from backend.aws.environment import Environment
from backend.cleanup import Resource
from backend.errors import CleanupIncomplete, ModelMissing
from backend.jobs import Status
from backend.overview import State
from tests import answers
from tests.projects import of_project

pytestmark = pytest.mark.system

NAME = "scones-use-20260131-093012-000000"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
JOB = "cleanup in use"
TIMEOUT = 60.0


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own with its foundation, a model and its configuration; whatever is left of it goes."""
    opened = of_project(environment, "scones-use", tmp_path)
    foundation.deploy_foundation(opened)
    make_model(opened)
    yield opened
    jobs.cancel(JOB)
    jobs.wait(JOB, TIMEOUT)
    jobs.dismiss(JOB)
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


@pytest.fixture
def endpoint(project: Environment) -> Environment:
    """The project with an endpoint: its artifact is none, so that it fails, which is a settled state."""
    make_endpoint(project)
    return project


def make_model(project: Environment) -> None:
    artifact = f"models/{NAME}/output/model.tar.gz"
    project.s3.put_object(Bucket=project.bucket, Key=artifact, Body=b"x")
    project.sagemaker.create_model(
        ModelName=NAME,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{project.bucket}/{artifact}"},
        ExecutionRoleArn=project.names.sagemaker_role_arn,
        Tags=project.tag_list,
    )
    project.sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": NAME, "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
        ],
        Tags=project.tag_list,
    )


def make_endpoint(project: Environment) -> None:
    project.sagemaker.create_endpoint(
        EndpointName=project.names.endpoint, EndpointConfigName=NAME, Tags=project.tag_list
    )


def details(project: Environment) -> dict[str, str]:
    return {resource.kind.name: resource.detail for resource in cleanup.list_resources(project)}


def chosen(project: Environment, kind: str) -> list[Resource]:
    return [resource for resource in cleanup.list_resources(project) if resource.kind.name == kind]


def refused(_request: dict[str, Any]) -> dict[str, Any]:
    """As AWS answers whoever lacks the permission: nothing is done."""
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "Not yours."}}, "Operation")


class Creating:
    """An endpoint that SageMaker says is Creating, for as long as the test wants."""

    def __init__(self) -> None:
        self._told = 0
        self.was_told = threading.Event()
        self.is_settled = threading.Event()

    def __call__(self, answer: dict[str, Any]) -> None:
        if "EndpointStatus" in answer and not self.is_settled.is_set():
            answer["EndpointStatus"] = "Creating"
            self._told += 1
            if self._told > 1:  # by then it is waited for
                self.was_told.set()


def test_an_endpoint_that_is_creating_is_awaited_and_then_everything_goes(endpoint: Environment) -> None:
    creating = Creating()
    deleted: list[tuple[str, bool]] = []  # with whether the endpoint was settled by then

    def note(operation: str) -> Any:
        def remember(_answer: dict[str, Any]) -> None:
            deleted.append((operation, creating.is_settled.is_set()))

        return answers.changed(endpoint.sagemaker, operation, remember)

    resources = cleanup.list_resources(endpoint)
    with (
        answers.changed(endpoint.sagemaker, "DescribeEndpoint", creating),
        note("DeleteEndpoint"),
        note("DeleteEndpointConfig"),
        note("DeleteModel"),
    ):
        jobs.start(JOB, "Deleting", partial(cleanup.delete_resources, endpoint, resources))
        assert creating.was_told.wait(TIMEOUT)
        creating.is_settled.set()
        job = jobs.wait(JOB, TIMEOUT)
    assert job is not None
    assert job.status is Status.SUCCEEDED
    assert deleted == [("DeleteEndpoint", True), ("DeleteEndpointConfig", True), ("DeleteModel", True)]
    assert cleanup.list_resources(endpoint) == []


def test_waiting_for_an_endpoint_says_so_and_can_be_cancelled(endpoint: Environment) -> None:
    creating = Creating()
    before = list(details(endpoint))
    resources = cleanup.list_resources(endpoint)
    with answers.changed(endpoint.sagemaker, "DescribeEndpoint", creating):
        said: list[str] = []

        def cancel(_fraction: float, message: str) -> None:
            said.append(message)
            if "is Creating" in message:
                raise jobs.Cancelled

        with pytest.raises(jobs.Cancelled):
            cleanup.delete_resources(endpoint, resources, cancel)
    assert said[-1] == "Endpoint scones-use is Creating, and can be deleted after that."
    assert list(details(endpoint)) == before


def test_an_endpoint_that_cannot_be_deleted_keeps_what_it_needs(endpoint: Environment) -> None:
    endpoint.s3.put_object(Bucket=endpoint.bucket, Key="uploads/mine.png", Body=b"x")
    with (
        answers.answered(endpoint.sagemaker, "DeleteEndpoint", refused),
        pytest.raises(CleanupIncomplete) as left,
    ):
        cleanup.delete_resources(endpoint, cleanup.list_resources(endpoint))
    kept = ["endpoint", "endpoint configuration", "model", "model artifacts", "foundation stack", "bucket"]
    assert list(details(endpoint)) == kept
    assert "endpoint scones-use (AWS did not delete endpoint scones-use: Not yours." in str(left.value)
    assert f"model {NAME} (kept: in use by endpoint scones-use, which has to go first)" in str(left.value)
    iam = endpoint.session.client("iam")
    assert iam.get_role(RoleName=f"scones-use-sagemaker-{endpoint.region}")["Role"]["RoleName"]
    assert endpoint.s3.head_object(Bucket=endpoint.bucket, Key=f"models/{NAME}/output/model.tar.gz")


def test_the_list_says_what_is_in_use(endpoint: Environment) -> None:
    told = details(endpoint)
    used = {kind for kind, detail in told.items() if detail.endswith("; in use by endpoint scones-use")}
    assert used == {"endpoint configuration", "model", "model artifacts", "foundation stack", "bucket"}


@pytest.mark.parametrize("kind", ["endpoint configuration", "model", "model artifacts", "foundation stack", "bucket"])
def test_what_is_in_use_is_not_deleted_by_itself(endpoint: Environment, kind: str) -> None:
    with pytest.raises(CleanupIncomplete, match="in use by endpoint scones-use"):
        cleanup.delete_resources(endpoint, chosen(endpoint, kind))
    assert kind in details(endpoint)


def test_what_came_into_use_since_it_was_listed_is_kept(project: Environment) -> None:
    model = chosen(project, "model")
    make_endpoint(project)
    with pytest.raises(CleanupIncomplete, match="in use by endpoint scones-use"):
        cleanup.delete_resources(project, model)
    assert "model" in details(project)


def test_what_an_updating_endpoint_may_be_leaving_is_kept(endpoint: Environment) -> None:
    """SageMaker tells the configuration that it goes over to, not the one that it serves from."""

    def updating(answer: dict[str, Any]) -> None:
        answer |= {"EndpointStatus": "Updating", "EndpointConfigName": "another"}

    with answers.changed(endpoint.sagemaker, "DescribeEndpoint", updating):
        assert details(endpoint)["model"].endswith("in use by endpoint scones-use")


def test_a_model_that_nothing_uses_goes(project: Environment) -> None:
    cleanup.delete_resources(project, chosen(project, "model"))
    assert "model" not in details(project)


def test_a_workflow_keeps_the_topic_that_it_notifies_through(project: Environment) -> None:
    workflow.deploy_workflow(project, project.names.endpoint, ("bicycle", "motorcycle"), threshold=0.9)
    with pytest.raises(CleanupIncomplete, match="in use by stack scones-use-workflow"):
        cleanup.delete_resources(project, chosen(project, "foundation stack"))
    assert {"workflow stack", "foundation stack"} <= details(project).keys()


def test_a_training_job_keeps_the_images_that_it_reads(project: Environment) -> None:
    dataset = staging.stage_dataset(project, staging.OfflineSample(train_per_class=40, test_per_class=10), other=None)
    name = training.start_training(project, dataset, training.TrainingOptions(epochs=1000))
    with pytest.raises(CleanupIncomplete, match=f"in use by training job {name}"):
        cleanup.delete_resources(project, chosen(project, "dataset"))
    assert staging.describe_dataset(project) == dataset


def test_no_job_is_offered_for_deployment_whose_artifact_is_gone(project: Environment) -> None:
    dataset = staging.stage_dataset(project, staging.OfflineSample(train_per_class=40, test_per_class=10), other=None)
    name = training.start_training(project, dataset, training.TrainingOptions(epochs=1))
    job = training.wait_for_training(project, name)
    assert job in deployment.deployable(project, training.list_training_jobs(project))
    cleanup.delete_resources(project, chosen(project, "model artifacts"))
    assert job in training.list_training_jobs(project)
    assert deployment.deployable(project, training.list_training_jobs(project)) == []
    with pytest.raises(ModelMissing, match=f"The model of training job {name} was deleted"):
        deployment.deploy_model(project, name, deployment.DeploymentOptions())
    training_step = next(step for step in overview.describe_steps(project) if step.name == "training")
    assert (training_step.state, training_step.detail) == (State.MISSING, "The models that were trained are deleted.")


def test_what_is_listed_can_be_kept_by_the_pages(endpoint: Environment) -> None:
    """They pickle what they read."""
    resources = cleanup.list_resources(endpoint)
    assert pickle.loads(pickle.dumps(resources)) == resources  # noqa: S301
