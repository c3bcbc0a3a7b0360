"""The life of a training job, with a container that does what the test says. test_clients.py trains for real."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from embedded_aws.sagemaker.api.exceptions import ResourceInUse, ResourceNotFound, ValidationException
from tests.embedded_aws.sagemaker.scripted import LIMITS, Jobs, training_service, wait_until

EPOCHS = "|".join(
    f"[10/15/2024 12:37:35 INFO 140427410851648] {line}"
    for line in (
        "Epoch[0] Batch [20]#011Speed: 189.540 samples/sec#011accuracy=0.930060",
        "Epoch[0] Train-accuracy=0.500000",
        "Epoch[0] Time cost=5.027",
        "Epoch[0] Validation-accuracy=0.625000",
        "Epoch[1] Train-accuracy=0.750000",
        "Epoch[1] Validation-accuracy=0.875000",
    )
)


def states(job: dict[str, Any]) -> list[str]:
    return [transition["Status"] for transition in job["SecondaryStatusTransitions"]]


def files_in(environment: Environment, uri: str) -> dict[str, str]:
    """The files of a tar.gz in S3, content by name."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = environment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        members = {member.name: tar.extractfile(member) for member in tar.getmembers() if member.isfile()}
        return {name: file.read().decode() for name, file in members.items() if file is not None}


def test_a_job_goes_through_its_states_to_completed(jobs: Jobs, unique_name: str) -> None:
    job = jobs.ended(jobs.create(unique_name))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job.get("FailureReason")
    assert states(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert "FailureReason" not in job
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]


def test_a_job_is_described_with_all_that_was_asked_for(jobs: Jobs, unique_name: str) -> None:
    request = jobs.request(unique_name, lines="hello")
    arn = jobs.perform("CreateTrainingJob", **request)["TrainingJobArn"]
    job = jobs.describe(unique_name)
    assert arn == job["TrainingJobArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{unique_name}"
    same = ("TrainingJobName", "RoleArn", "HyperParameters", "ResourceConfig", "StoppingCondition", "Environment")
    assert {member: job[member] for member in same} == {member: request[member] for member in same}
    assert job["AlgorithmSpecification"].items() >= request["AlgorithmSpecification"].items()
    assert job["InputDataConfig"][0].items() >= request["InputDataConfig"][0].items()
    assert job["OutputDataConfig"].items() >= request["OutputDataConfig"].items()


def test_the_model_is_where_it_was_asked_to_be(
    jobs: Jobs, environment: Environment, bucket: str, unique_name: str
) -> None:
    job = jobs.ended(jobs.create(unique_name, model='{"weights": "1 2 3", "shapes.json": "{}"}'))
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{bucket}/models/{unique_name}/output/model.tar.gz"
    assert files_in(environment, uri) == {"weights": "1 2 3", "shapes.json": "{}"}


def test_what_else_the_algorithm_wrote_is_kept_too(
    jobs: Jobs, environment: Environment, bucket: str, unique_name: str
) -> None:
    jobs.ended(jobs.create(unique_name, output='{"report.txt": "all well"}'))
    uri = f"s3://{bucket}/models/{unique_name}/output/output.tar.gz"
    assert files_in(environment, uri) == {"report.txt": "all well"}


def test_lines_are_in_cloudwatch_while_the_job_runs(jobs: Jobs, unique_name: str) -> None:
    jobs.create(unique_name, lines="one|two|three", wait="politely")
    wait_until(lambda: jobs.log(unique_name)[:3] == ["one", "two", "three"])
    assert jobs.describe(unique_name)["TrainingJobStatus"] == "InProgress"
    jobs.stop(unique_name)
    jobs.ended(unique_name)


def test_metrics_are_taken_from_the_log(jobs: Jobs, environment: Environment, unique_name: str) -> None:
    job = jobs.ended(jobs.create(unique_name, lines=EPOCHS))
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert final == {"train:accuracy": 0.75, "validation:accuracy": 0.875}
    statistics = environment.session.shared_client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="validation:accuracy",
        Dimensions=[{"Name": "TrainingJobName", "Value": unique_name}],
        StartTime=datetime.now(UTC) - timedelta(hours=1),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=3600 * 24,
        Statistics=["SampleCount", "Sum"],
    )
    assert sum(point["SampleCount"] for point in statistics["Datapoints"]) == 2
    assert sum(point["Sum"] for point in statistics["Datapoints"]) == pytest.approx(0.625 + 0.875)


def test_a_container_finds_what_sagemaker_promises(jobs: Jobs, unique_name: str) -> None:
    job = jobs.ended(jobs.create(unique_name))
    found = jobs.surroundings(unique_name)
    assert found["files"] == [
        "input/config/hyperparameters.json",
        "input/config/inputdataconfig.json",
        "input/config/resourceconfig.json",
        "input/data/train/data.txt",
    ]
    expected = {"GREETING": "hello", "TRAINING_JOB_NAME": unique_name, "TRAINING_JOB_ARN": job["TrainingJobArn"]}
    assert found["variables"].items() >= expected.items()


def test_a_container_has_the_priority_of_other_processes_and_knows_no_credentials(
    jobs: Jobs, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the service's own")
    jobs.ended(jobs.create(unique_name))
    found = jobs.surroundings(unique_name)
    assert found["niceness"] == os.nice(0)  # behind every other one it would hardly train on a busy machine
    assert not [name for name in found["variables"] if name.startswith("AWS_")]


def test_nothing_of_a_job_stays_on_this_machine(jobs: Jobs, unique_name: str) -> None:
    jobs.ended(jobs.create(unique_name, model='{"weights": "1"}'))
    assert not list((jobs.service.account.folder / "training").iterdir())


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({"exit": "1", "failure": "the data is odd"}, "AlgorithmError: the data is odd, exit code: 1"),
        ({"exit": "1", "failure": "ClientError: no images"}, "ClientError: no images, exit code: 1"),
        ({"exit": "2"}, "AlgorithmError: , exit code: 2"),
        ({"exit": "killed"}, "AlgorithmError: , exit code: 137"),
    ],
)
def test_a_container_that_fails_fails_its_job(
    jobs: Jobs, unique_name: str, script: dict[str, str], reason: str
) -> None:
    jobs.perform("CreateTrainingJob", **jobs.request(unique_name) | {"HyperParameters": script})
    job = jobs.ended(unique_name)
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", reason)
    assert states(job) == ["Starting", "Downloading", "Training", "Failed"]


def test_a_model_that_cannot_be_uploaded_fails_its_job(jobs: Jobs, unique_name: str) -> None:
    request = jobs.request(unique_name) | {"OutputDataConfig": {"S3OutputPath": "s3://there-is-no-such-bucket/x"}}
    jobs.perform("CreateTrainingJob", **request)
    job = jobs.ended(unique_name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")


def test_data_that_goes_while_the_job_waits_fails_it(
    jobs: Jobs, environment: Environment, bucket: str, unique_name: str
) -> None:
    jobs.create(f"{unique_name}-first", wait="politely")
    environment.s3.put_object(Bucket=bucket, Key=f"{unique_name}/data", Body=b"")
    request = jobs.request(unique_name)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/{unique_name}/"
    jobs.perform("CreateTrainingJob", **request)
    environment.s3.delete_object(Bucket=bucket, Key=f"{unique_name}/data")
    jobs.stop(f"{unique_name}-first")
    job = jobs.ended(unique_name)
    assert job["FailureReason"].startswith("ClientError: Data download failed:No S3 objects found under S3 URL")


def test_a_job_that_is_stopped_keeps_its_model(jobs: Jobs, environment: Environment, unique_name: str) -> None:
    jobs.create(unique_name, wait="politely", model='{"weights": "so far"}')
    wait_until(lambda: jobs.log(unique_name))
    jobs.stop(unique_name)
    job = jobs.ended(unique_name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert states(job) == ["Starting", "Downloading", "Training", "Stopping", "Stopped"]
    assert files_in(environment, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"weights": "so far"}


def test_a_container_that_does_not_stop_is_killed(
    jobs: Jobs, environment: Environment, bucket: str, tmp_path: Path, unique_name: str
) -> None:
    with training_service(tmp_path / "impatient", environment, limits=replace(LIMITS, training_end_seconds=0.3)) as own:
        impatient = Jobs(own, environment, bucket)
        impatient.create(unique_name, wait="stubbornly")
        wait_until(lambda: impatient.log(unique_name))
        impatient.stop(unique_name)
        assert impatient.ended(unique_name)["TrainingJobStatus"] == "Stopped"


def test_a_job_over_its_time_is_stopped_and_keeps_its_model(
    jobs: Jobs, environment: Environment, unique_name: str
) -> None:
    job = jobs.ended(jobs.create(unique_name, max_runtime=2, wait="politely", model='{"weights": "so far"}'))
    assert job["TrainingJobStatus"] == "Stopped"
    assert states(job) == ["Starting", "Downloading", "Training", "Stopping", "MaxRuntimeExceeded"]
    assert files_in(environment, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"weights": "so far"}


def test_jobs_wait_for_their_turn(jobs: Jobs, unique_name: str) -> None:
    first, second, third = (jobs.create(f"{unique_name}-{number}", wait="politely") for number in range(3))
    jobs.reached(first, "Training")
    assert [jobs.describe(name)["SecondaryStatus"] for name in (second, third)] == ["Starting", "Starting"]
    jobs.stop(first)
    jobs.reached(second, "Training")
    assert jobs.describe(third)["SecondaryStatus"] == "Starting"
    for name in (third, second):
        jobs.stop(name)


def test_a_job_that_waits_stops_at_once(jobs: Jobs, unique_name: str) -> None:
    first, second = (jobs.create(f"{unique_name}-{number}", wait="politely") for number in range(2))
    jobs.stop(second)
    job = jobs.describe(second)
    assert (job["TrainingJobStatus"], states(job)) == ("Stopped", ["Starting", "Stopping", "Stopped"])
    jobs.stop(first)
    jobs.ended(first)


def test_a_job_that_has_ended_is_not_stopped(jobs: Jobs, unique_name: str) -> None:
    jobs.ended(jobs.create(unique_name))
    with pytest.raises(ValidationException, match="rejected because the training job is in status Completed"):
        jobs.stop(unique_name)


def test_a_job_that_has_ended_can_be_forgotten(jobs: Jobs, unique_name: str) -> None:
    jobs.create(unique_name, wait="politely")
    with pytest.raises(ResourceInUse, match="rejected because the training job is in status InProgress"):
        jobs.perform("DeleteTrainingJob", TrainingJobName=unique_name)
    jobs.stop(unique_name)
    jobs.ended(unique_name)
    jobs.perform("DeleteTrainingJob", TrainingJobName=unique_name)
    jobs.ended(jobs.create(unique_name))


def test_a_job_that_does_not_exist_is_not_found(jobs: Jobs) -> None:
    for operation in ("DescribeTrainingJob", "StopTrainingJob", "DeleteTrainingJob"):
        with pytest.raises(ResourceNotFound, match=r"Requested resource not found\."):
            jobs.perform(operation, TrainingJobName="none")


def test_a_name_is_taken_once(jobs: Jobs, unique_name: str) -> None:
    jobs.create(unique_name)
    with pytest.raises(ResourceInUse) as caught:
        jobs.create(unique_name.upper())
    assert caught.value.message == (
        "Training job names must be unique within an AWS account and region, but a training job already exists: "
        f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{unique_name}"
    )
    jobs.ended(unique_name)


def test_a_job_that_was_refused_leaves_its_name_free(jobs: Jobs, unique_name: str) -> None:
    request = jobs.request(unique_name)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://there-is-no-such-bucket/"
    with pytest.raises(ValidationException, match='No S3 objects found under S3 URL "s3://there-is-no-such-bucket/"'):
        jobs.perform("CreateTrainingJob", **request)
    jobs.ended(jobs.create(unique_name))


def test_lists_summarise(jobs: Jobs, unique_name: str) -> None:
    job = jobs.ended(jobs.create(unique_name))
    summaries = jobs.perform("ListTrainingJobs", NameContains=unique_name)["TrainingJobSummaries"]
    members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "TrainingJobStatus")
    assert [{member: summary[member] for member in members} for summary in summaries] == [
        {member: job[member] for member in members}
    ]


def test_training_jobs_are_listed_oldest_first(jobs: Jobs, unique_name: str) -> None:
    names = [jobs.create(f"{unique_name}-{letter}") for letter in "ba"]
    summaries = jobs.perform("ListTrainingJobs", NameContains=unique_name)["TrainingJobSummaries"]
    assert [summary["TrainingJobName"] for summary in summaries] == names
    jobs.ended(names[1])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "AlgorithmSpecification.TrainingImage",
            "1.dkr.ecr.us-east-1.amazonaws.com/xgboost:1",
            'cannot run the image "1',
        ),
        ("AlgorithmSpecification.TrainingImage", None, "needs a TrainingImage"),
        ("AlgorithmSpecification.TrainingInputMode", "Pipe", "File mode only"),
        (
            "AlgorithmSpecification.MetricDefinitions",
            [{"Name": "loss", "Regex": "loss=(.*)"}],
            "You can't override the metric definitions for Amazon SageMaker algorithms.",
        ),
        ("ResourceConfig.InstanceCount", 2, "trains on one instance"),
        ("ResourceConfig", None, "needs a ResourceConfig"),
        ("InputDataConfig", None, "needs channels"),
        ("InputDataConfig.0.CompressionType", "Gzip", "reads plain objects"),
        ("InputDataConfig.0.RecordWrapperType", "RecordIO", "reads plain objects"),
        ("InputDataConfig.0.InputMode", "Pipe", "File mode only"),
        ("InputDataConfig.0.DataSource.S3DataSource.S3DataType", "AugmentedManifestFile", "S3Prefix or ManifestFile"),
        ("InputDataConfig.0.DataSource.S3DataSource", None, "S3Prefix or ManifestFile"),
        ("OutputDataConfig.CompressionType", "NONE", "model.tar.gz only"),
    ],
)
def test_what_cannot_be_trained_here_is_refused_when_it_is_asked_for(
    jobs: Jobs, unique_name: str, path: str, value: Any, message: str
) -> None:
    request: Any = jobs.request(unique_name)
    *steps, last = path.split(".")
    target = request
    for step in steps:
        target = target[int(step)] if step.isdigit() else target[step]
    target[last] = value
    with pytest.raises(ValidationException) as caught:
        jobs.perform("CreateTrainingJob", **request)
    assert message in caught.value.message
    with pytest.raises(ResourceNotFound):
        jobs.describe(unique_name)


def test_channels_have_names_of_their_own(jobs: Jobs, unique_name: str) -> None:
    request = jobs.request(unique_name)
    request["InputDataConfig"] *= 2
    with pytest.raises(ValidationException, match="channels of different names; it has: train, train"):
        jobs.perform("CreateTrainingJob", **request)
