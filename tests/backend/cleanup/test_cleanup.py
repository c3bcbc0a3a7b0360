"""Cleanup on the embedded AWS: all that is the project's goes, nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backend import cleanup, evaluation, foundation, staging, training, workflow
from backend.aws.environment import Environment
from backend.cleanup import Resource, sweep
from backend.cleanup.resource import Kind
from backend.errors import AwsRequestError, CleanupIncomplete
from tests.projects import of_project

NAME = "scones-clean-20260131-093012-000000"
FOREIGN_NAME = "scones-clean-up-20260131-093012-000000"  # of a project whose name begins with ours
TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own on the shared embedded AWS, with its own state folder; whatever is left of it goes."""
    opened = of_project(environment, "scones-clean", tmp_path)
    yield opened
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


@pytest.fixture
def deployed(project: Environment) -> Environment:
    """The project with its foundation: the bucket and the roles."""
    foundation.deploy_foundation(project)
    return project


@pytest.fixture
def foreign(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """Another project beside it, whose name begins with the same letters."""
    opened = of_project(environment, "scones-clean-up", tmp_path)
    foundation.deploy_foundation(opened)
    yield opened
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


def sagemaker_tags(environment: Environment) -> Any:
    return [{"Key": key, "Value": value} for key, value in environment.tags.items()]


def create_model(environment: Environment, name: str, *, tagged: bool = True) -> None:
    """A model with its artifact, and an endpoint configuration of the same name."""
    tags = sagemaker_tags(environment) if tagged else []
    artifact = f"models/{name}/output/model.tar.gz"
    put(environment, artifact)
    environment.sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{environment.bucket}/{artifact}"},
        ExecutionRoleArn=environment.names.sagemaker_role_arn,
        Tags=tags,
    )
    environment.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
        ],
        Tags=tags,
    )


def put(environment: Environment, key: str, body: bytes = b"x") -> None:
    environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=body)


def kinds(environment: Environment) -> list[str]:
    return [resource.kind.name for resource in cleanup.list_resources(environment)]


def find(environment: Environment, kind: str) -> Resource:
    (resource,) = (resource for resource in cleanup.list_resources(environment) if resource.kind.name == kind)
    return resource


def delete_all(environment: Environment) -> None:
    cleanup.delete_resources(environment, cleanup.list_resources(environment))


def test_a_project_that_made_nothing_has_nothing(project: Environment) -> None:
    assert cleanup.list_resources(project) == []


def test_everything_is_listed_and_goes(deployed: Environment) -> None:
    staging.stage_dataset(deployed, staging.OfflineSample(train_per_class=2, test_per_class=1), other=None)
    create_model(deployed, NAME)
    put(deployed, "data_capture/scones-clean/AllTraffic/2026/01/31/09/30-12-000-a.jsonl")
    put(deployed, "uploads/mine.png")
    deployed.cache_dir.mkdir(parents=True)
    (deployed.cache_dir / "store.duckdb").write_bytes(b"x")
    assert kinds(deployed) == [
        "endpoint configuration",
        "model",
        "dataset",
        "captured inferences",
        "model artifacts",
        "files",
        "foundation stack",
        "bucket",
        "local cache",
        "downloaded archives",
    ]
    delete_all(deployed)
    assert cleanup.list_resources(deployed) == []


def test_a_resource_goes_by_the_kind_that_found_it_and_by_nothing_of_its_name(
    deployed: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds are objects: what they are called says something to people, and nothing to the code."""
    nameless = tuple(replace(kind, name="thing") for kind in sweep.KINDS)
    monkeypatch.setattr(sweep, "KINDS", nameless)
    create_model(deployed, NAME)
    put(deployed, "uploads/mine.png")
    listed = cleanup.list_resources(deployed)
    assert len(listed) == 6
    assert {resource.kind for resource in listed} <= set(nameless)
    delete_all(deployed)
    assert cleanup.list_resources(deployed) == []


def test_each_resource_is_deleted_by_its_own_kind_alone(deployed: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[tuple[str, str]] = []

    def recording(kind: Kind) -> Kind:
        return replace(kind, delete=lambda _environment, name, _progress: deleted.append((kind.name, name)))

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "KINDS", tuple(recording(kind) for kind in sweep.KINDS))
        put(deployed, "uploads/mine.png")
        delete_all(deployed)
    assert deleted == [
        ("files", "uploads/"),
        ("foundation stack", deployed.names.foundation_stack),
        ("bucket", deployed.bucket),
    ]


def test_deleting_twice_is_no_error(deployed: Environment) -> None:
    create_model(deployed, NAME)
    put(deployed, "uploads/mine.png")
    resources = cleanup.list_resources(deployed)
    cleanup.delete_resources(deployed, resources)
    cleanup.delete_resources(deployed, resources)
    assert cleanup.list_resources(deployed) == []


def test_the_bucket_is_deleted_with_what_is_in_it_though_its_stack_keeps_it(deployed: Environment) -> None:
    put(deployed, "uploads/mine.png")
    cleanup.delete_resources(deployed, [find(deployed, "foundation stack")])
    assert "bucket" in kinds(deployed)
    cleanup.delete_resources(deployed, [find(deployed, "bucket")])
    with pytest.raises(ClientError, match="404"):
        deployed.s3.head_bucket(Bucket=deployed.bucket)


def test_another_projects_resources_are_not_listed_and_survive(deployed: Environment, foreign: Environment) -> None:
    for environment, name in ((deployed, NAME), (foreign, FOREIGN_NAME)):
        create_model(environment, name)
        put(environment, "uploads/mine.png")
    delete_all(deployed)
    assert {"endpoint configuration", "model", "files", "foundation stack", "bucket"} <= set(kinds(foreign))
    assert foreign.sagemaker.describe_model(ModelName=FOREIGN_NAME)["ModelName"] == FOREIGN_NAME
    assert foreign.s3.get_object(Bucket=foreign.bucket, Key="uploads/mine.png")["Body"].read() == b"x"


def test_what_only_has_a_name_like_ours_survives(deployed: Environment) -> None:
    create_model(deployed, "scones-clean-by-hand", tagged=False)
    try:
        delete_all(deployed)
        assert (
            deployed.sagemaker.describe_model(ModelName="scones-clean-by-hand")["ModelName"] == "scones-clean-by-hand"
        )
    finally:
        deployed.sagemaker.delete_endpoint_config(EndpointConfigName="scones-clean-by-hand")
        deployed.sagemaker.delete_model(ModelName="scones-clean-by-hand")


def test_a_stack_of_our_name_without_our_tag_is_not_ours(project: Environment) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    project.cloudformation.create_stack(StackName=project.names.foundation_stack, TemplateBody=json.dumps(template))
    try:
        project.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=project.names.foundation_stack, WaiterConfig={"Delay": 1}
        )
        assert cleanup.list_resources(project) == []
    finally:
        project.cloudformation.delete_stack(StackName=project.names.foundation_stack)


def test_an_endpoint_says_what_it_costs_and_goes(deployed: Environment) -> None:
    create_model(deployed, NAME)  # from an artifact that is none: the endpoint fails, and must be deleted all the same
    deployed.sagemaker.create_endpoint(
        EndpointName=deployed.names.endpoint, EndpointConfigName=NAME, Tags=sagemaker_tags(deployed)
    )
    endpoint = find(deployed, "endpoint")
    assert endpoint.name == deployed.names.endpoint
    assert "2 x ml.m5.xlarge: on AWS billed until it is deleted" in endpoint.detail
    cleanup.delete_resources(deployed, [endpoint])
    assert "endpoint" not in kinds(deployed)
    assert "endpoint configuration" in kinds(deployed)


def test_the_workflow_goes_before_what_it_needs(deployed: Environment) -> None:
    workflow.deploy_workflow(deployed, deployed.names.endpoint, ("bicycle", "motorcycle"), threshold=0.9)
    assert kinds(deployed) == ["workflow stack", "files", "foundation stack", "bucket"]
    delete_all(deployed)
    assert workflow.describe_workflow(deployed) is None
    groups = deployed.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{deployed.project}")["logGroups"]
    assert groups == []


def test_only_our_endpoints_log_goes(project: Environment, foreign: Environment) -> None:
    for environment in (project, foreign):
        environment.logs.create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{environment.names.endpoint}")
    delete_all(project)
    assert "endpoint log" not in kinds(project)
    assert "endpoint log" in kinds(foreign)


def test_a_running_training_job_is_stopped_and_then_not_listed(deployed: Environment) -> None:
    dataset = staging.stage_dataset(deployed, staging.OfflineSample(train_per_class=40, test_per_class=10), other=None)
    name = training.start_training(deployed, dataset, training.TrainingOptions(epochs=1000))
    job = find(deployed, "running training job")
    assert job.name == name
    cleanup.delete_resources(deployed, [job])
    assert deployed.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped"
    assert "running training job" not in kinds(deployed)


def test_a_models_evaluation_goes_with_it(deployed: Environment) -> None:
    put(deployed, "models/job/output/model.tar.gz")
    put(deployed, "models/job/evaluation/evaluation.json")
    cleanup.delete_resources(deployed, [find(deployed, "model artifacts")])
    assert evaluation.read_evaluation(deployed, "job") is None


def test_a_dataset_goes_with_the_pointer_to_it(deployed: Environment) -> None:
    kept = staging.stage_dataset(deployed, staging.OfflineSample(train_per_class=2, test_per_class=1), other=None)
    staging.stage_dataset(deployed, staging.OfflineSample(train_per_class=3, test_per_class=1), other=None)
    older, current = (item for item in cleanup.list_resources(deployed) if item.kind.name == "dataset")
    assert older.name == kept.dataset_id
    assert older.detail.startswith("12 objects, ")  # 4 train and 2 test images, 3 manifests, 3 about them
    assert current.detail.endswith("the current one")
    cleanup.delete_resources(deployed, [current])
    assert staging.describe_dataset(deployed) is None
    assert staging.describe_dataset(deployed, kept.dataset_id) == kept
    with pytest.raises(ClientError, match="NoSuchKey"):
        deployed.s3.get_object(Bucket=deployed.bucket, Key="datasets/current.json")


def test_a_staging_that_was_killed_half_way_can_be_deleted(deployed: Environment) -> None:
    put(deployed, "datasets/20260131-093012-abcdef/train/a.png")
    cleanup.delete_resources(deployed, [find(deployed, "dataset")])
    assert "dataset" not in kinds(deployed)


def test_a_dataset_with_a_damaged_description_can_be_deleted(deployed: Environment) -> None:
    dataset = staging.stage_dataset(deployed, staging.OfflineSample(train_per_class=2, test_per_class=1), other=None)
    put(deployed, "datasets/current.json", b"{")
    put(deployed, f"datasets/{dataset.dataset_id}/dataset.json", b"{")
    cleanup.delete_resources(deployed, [find(deployed, "dataset")])
    assert "dataset" not in kinds(deployed)


@pytest.fixture
def training_logs(project: Environment) -> Iterator[list[str]]:
    """Log streams of a training job of ours and of another project's, in the group that all share."""
    streams = [f"{NAME}/algo-1-1769851812", f"{FOREIGN_NAME}/algo-1-1769851812"]
    with suppress(project.logs.exceptions.ResourceAlreadyExistsException):
        project.logs.create_log_group(logGroupName=TRAINING_GROUP)
    for stream in streams:
        project.logs.create_log_stream(logGroupName=TRAINING_GROUP, logStreamName=stream)
    yield streams
    for stream in streams:
        with suppress(project.logs.exceptions.ResourceNotFoundException):
            project.logs.delete_log_stream(logGroupName=TRAINING_GROUP, logStreamName=stream)


def test_only_our_training_jobs_logs_go(deployed: Environment, training_logs: list[str]) -> None:
    ours, others = training_logs
    logs = find(deployed, "training logs")
    assert logs.detail == "1 log stream"
    cleanup.delete_resources(deployed, [logs])
    left = deployed.logs.describe_log_streams(logGroupName=TRAINING_GROUP)["logStreams"]
    names = {stream["logStreamName"] for stream in left}
    assert others in names
    assert ours not in names


def test_a_failure_is_named_and_keeps_nothing_else(deployed: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    create_model(deployed, NAME)

    def refuse(**_request: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "Not yours."}}, "DeleteEndpointConfig")

    with monkeypatch.context() as patch:
        patch.setattr(deployed.sagemaker, "delete_endpoint_config", refuse)
        with pytest.raises(CleanupIncomplete, match=f"endpoint configuration {NAME} .*Not yours.* permission"):
            delete_all(deployed)
    assert kinds(deployed) == ["endpoint configuration"]


def test_what_went_meanwhile_is_no_error(deployed: Environment) -> None:
    create_model(deployed, NAME)
    resources = cleanup.list_resources(deployed)
    deployed.sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
    deployed.sagemaker.delete_model(ModelName=NAME)
    cleanup.delete_resources(deployed, resources)


def test_the_last_message_counts_what_was_deleted(deployed: Environment) -> None:
    put(deployed, "uploads/mine.png")
    messages: list[str] = []
    cleanup.delete_resources(deployed, [find(deployed, "files")], lambda _fraction, message: messages.append(message))
    assert messages[-1] == "Deleted 1 resource."


def test_progress_that_raises_stops_it(deployed: Environment) -> None:
    create_model(deployed, NAME)

    class Cancelled(Exception):
        pass

    def cancel(fraction: float, _message: str) -> None:
        if fraction > 0.0:
            raise Cancelled

    with pytest.raises(Cancelled):
        cleanup.delete_resources(deployed, cleanup.list_resources(deployed), cancel)
    assert "endpoint configuration" not in kinds(deployed)
    assert "model" in kinds(deployed)


def test_an_unreachable_service_is_named(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_request: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not yours."}}, "DescribeStacks")

    monkeypatch.setattr(project.cloudformation, "describe_stacks", refuse)
    with pytest.raises(AwsRequestError, match=r"list the project's resources: Not yours\."):
        cleanup.list_resources(project)
    monkeypatch.undo()
