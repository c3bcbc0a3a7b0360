"""Evaluating a model: every image is asked about, the answers are kept beside the model, and nothing else stays."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend import cleanup, deployment, evaluation, staging, training
from backend.aws.environment import Environment
from backend.aws.names import Names
from backend.errors import (
    AwsRequestError,
    EvaluationDamaged,
    EvaluationNotPossible,
    ModelMissing,
    NotFound,
    SourceUnavailable,
)
from backend.evaluation.record import Evaluation
from tests import answers

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two pictures, one of them large and in a folder below, and two files that are none."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "below").mkdir()
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(folder / "small.png")
    Image.fromarray(rng.integers(0, 256, (900, 1_200, 3), np.uint8)).save(folder / "below" / "large.JPG", "JPEG")
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def test_the_longest_projects_endpoint_has_a_name_that_sagemaker_takes() -> None:
    names = Names("p" * 28, "000000000000", "us-east-1", "aws")
    assert len(names.evaluation_endpoint()) <= 63


@pytest.fixture(scope="module")
def evaluated(environment: Environment, trained_job: training.TrainingJob, pictures: Path) -> Evaluation:
    return evaluation.evaluate_model(environment, trained_job.name, extra_images=pictures)


def keys(environment: Environment, prefix: str) -> set[str]:
    pages = environment.s3.get_paginator("list_objects_v2").paginate(Bucket=environment.bucket, Prefix=prefix)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def left(environment: Environment) -> list[str]:
    """What evaluations have left, of everything that SageMaker and CloudWatch list."""
    name, sagemaker = f"{environment.project}-evaluation-", environment.sagemaker
    groups = environment.logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints")["logGroups"]
    names = [
        *(item["EndpointName"] for item in sagemaker.list_endpoints(NameContains=name)["Endpoints"]),
        *(item["EndpointConfigName"] for item in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        *(item["ModelName"] for item in sagemaker.list_models()["Models"]),
        *(item["logGroupName"] for item in groups),
    ]
    return [found for found in names if name in found]


def test_every_image_that_no_training_reads_is_asked_about(
    environment: Environment, evaluated: Evaluation, dataset: staging.Dataset
) -> None:
    expected = keys(environment, f"{dataset.prefix}test/") | keys(environment, f"{dataset.prefix}foreign/")
    assert {image.key for image in evaluated.images if image.split != "folder"} == expected
    lines = environment.s3.get_object(Bucket=environment.bucket, Key=f"{dataset.prefix}test.lst")["Body"].read()
    manifest = {name: int(index) for _, index, name in (line.split("\t") for line in lines.decode().splitlines())}
    assert {image.name: image.label_index for image in evaluated.images if image.split == "test"} == manifest
    assert {image.label_index for image in evaluated.images if image.split != "test"} == {None}
    assert evaluated.labels == dataset.labels
    assert evaluated.is_untouched == ("validation" in dataset.counts)


def test_a_folders_pictures_of_any_size_are_asked_about_and_what_is_none_is_named(
    evaluated: Evaluation, pictures: Path
) -> None:
    assert [image.name for image in evaluated.images if image.split == "folder"] == ["below/large.JPG", "small.png"]
    assert evaluated.skipped == ("broken.png",)
    assert evaluated.folder == str(pictures)


def test_the_answers_are_the_models_and_cleanup_finds_what_gives_them(
    environment: Environment, evaluated: Evaluation, trained_job: training.TrainingJob
) -> None:
    """As another endpoint of the same model gives them; an image that is asked about again is answered alike."""
    few = [image for image in evaluated.images if image.key][:3]
    with deployment.temporary_endpoint(environment, trained_job) as endpoint:
        for image in few:
            body = staging.read_image(environment, str(image.key))
            response = environment.sagemaker_runtime.invoke_endpoint(
                EndpointName=endpoint, ContentType="image/png", Body=body
            )
            assert image.probabilities == pytest.approx(json.loads(response["Body"].read()), abs=1e-5)
        assert set(_listed(environment)) >= {"endpoint", "endpoint configuration", "model"}
        found = [item for item in cleanup.list_resources(environment) if endpoint in item.name]
        cleanup.delete_resources(environment, found)  # as of one that a killed process left
        assert left(environment) == []
    assert _listed(environment) == {}


def _listed(environment: Environment) -> dict[str, str]:
    """What cleanup lists of an evaluation, as it would after this process was killed."""
    return {item.kind.name: item.name for item in cleanup.list_resources(environment) if "-evaluation-" in item.name}


def test_it_is_kept_beside_the_model_and_nothing_else_stays(
    environment: Environment, evaluated: Evaluation, trained_job: training.TrainingJob
) -> None:
    beside = str(trained_job.model_artifact).removeprefix(f"s3://{environment.bucket}/").split("/output/")[0]
    stored = environment.s3.get_object(Bucket=environment.bucket, Key=f"{beside}/evaluation/evaluation.json")
    assert json.loads(stored["Body"].read())["job"] == trained_job.name
    assert evaluation.read_evaluation(environment, trained_job.name) == evaluated
    assert left(environment) == []
    assert not any("-evaluation-" in key for key in keys(environment, "data_capture/"))


def test_the_log_that_a_killed_evaluation_left_goes_with_cleanup(environment: Environment) -> None:
    mine = f"/aws/sagemaker/Endpoints/{environment.project}-evaluation-20260131-093012-000000"
    somebodys = f"/aws/sagemaker/Endpoints/{environment.project}-evaluation-mine"
    for name in (mine, somebodys):
        environment.logs.create_log_group(logGroupName=name)
    assert _listed(environment) == {"endpoint log": mine}
    found = [item for item in cleanup.list_resources(environment) if item.name == mine]
    cleanup.delete_resources(environment, found)
    assert left(environment) == [somebodys]
    environment.logs.delete_log_group(logGroupName=somebodys)


class _Cancelled(Exception):
    pass


@pytest.mark.parametrize("beginning", [pytest.param("Endpoint ", marks=pytest.mark.slow), "Asked about 2 "])
def test_one_that_is_cancelled_leaves_nothing_and_the_earlier_one_as_it_was(
    environment: Environment, evaluated: Evaluation, beginning: str
) -> None:
    def cancel(_fraction: float, message: str) -> None:
        if message.startswith(beginning):
            raise _Cancelled

    with pytest.raises(_Cancelled):
        evaluation.evaluate_model(environment, evaluated.job, cancel)
    assert left(environment) == []
    assert evaluation.read_evaluation(environment, evaluated.job) == evaluated


def _refused(request: dict[str, Any]) -> dict[str, Any]:
    answers.denied(request)
    return {}


def test_an_endpoint_that_is_refused_leaves_nothing(environment: Environment, evaluated: Evaluation) -> None:
    with (
        answers.answered(environment.sagemaker, "CreateEndpoint", _refused),
        pytest.raises(AwsRequestError, match="Not yours"),
    ):
        evaluation.evaluate_model(environment, evaluated.job)
    assert left(environment) == []


def test_what_cannot_be_deleted_is_named_and_the_evaluation_is_kept(
    environment: Environment, evaluated: Evaluation
) -> None:
    with (
        answers.changed(environment.sagemaker, "DeleteModel", answers.denied),
        pytest.raises(AwsRequestError, match="Not yours") as raised,
    ):
        evaluation.evaluate_model(environment, evaluated.job)
    assert "delete it on the cleanup page" in " ".join(raised.value.__notes__)
    again = evaluation.read_evaluation(environment, evaluated.job)
    assert again is not None
    assert again.evaluated_at > evaluated.evaluated_at
    resources = [item for item in cleanup.list_resources(environment) if "-evaluation-" in item.name]
    cleanup.delete_resources(environment, resources)


@pytest.fixture
def stored(environment: Environment) -> Iterator[Any]:
    """Stores what takes the place of an evaluation; gone with the test."""
    job = "scones-test-20260131-093012-000000"
    key = f"models/{job}/evaluation/evaluation.json"

    def store(content: dict[str, Any] | bytes) -> str:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=body)
        return job

    yield store
    environment.s3.delete_object(Bucket=environment.bucket, Key=key)


def _whole(**changes: Any) -> dict[str, Any]:
    image = {"name": "a.png", "split": "test", "label_index": 0, "probabilities": [0.9, 0.1], "key": "a.png"}
    return {
        "job": "scones-test-20260131-093012-000000",
        "dataset_id": "d",
        "labels": ["bicycle", "motorcycle"],
        "is_untouched": True,
        "evaluated_at": "2026-01-31T10:00:00Z",
        "images": [image | changes],
    }


def test_a_whole_one_is_read(environment: Environment, stored: Any) -> None:
    found = evaluation.read_evaluation(environment, stored(_whole()))
    assert found is not None
    assert found.images[0].probabilities == (0.9, 0.1)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b'{"job": "',
        _whole(probabilities=[0.9]),
        _whole(probabilities=[0.9, 0.9]),
        _whole(probabilities=[1.9, -0.9]),
        _whole(probabilities=[None, 1.0]),
        _whole(label_index=2),
        _whole(label_index=-1),
        _whole(split="train"),
        _whole() | {"labels": []},
        _whole() | {"job": "another"},
    ],
)
def test_a_damaged_one_is_told_in_words(environment: Environment, stored: Any, damage: dict[str, Any] | bytes) -> None:
    with pytest.raises(EvaluationDamaged, match="Evaluate the model again"):
        evaluation.read_evaluation(environment, stored(damage))


def test_a_model_that_was_never_evaluated_has_none(environment: Environment) -> None:
    assert evaluation.read_evaluation(environment, "never") is None


def test_without_its_images_a_model_cannot_be_evaluated(
    environment: Environment, trained_job: training.TrainingJob
) -> None:
    def gone(parsed: dict[str, Any]) -> None:
        for channel in parsed["InputDataConfig"]:
            channel["DataSource"]["S3DataSource"]["S3Uri"] = "s3://b/datasets/gone/train/"

    with (
        answers.changed(environment.sagemaker, "DescribeTrainingJob", gone),
        pytest.raises(EvaluationNotPossible, match="are gone"),
    ):
        evaluation.evaluate_model(environment, trained_job.name)


def test_a_model_of_other_classes_than_its_dataset_cannot_be_evaluated(
    environment: Environment, evaluated: Evaluation
) -> None:
    def one_more(parsed: dict[str, Any]) -> None:
        parsed["Body"] = io.BytesIO(b"[0.5, 0.25, 0.25, 0.0]")

    with (
        answers.changed(environment.sagemaker_runtime, "InvokeEndpoint", one_more),
        pytest.raises(EvaluationNotPossible, match="does not answer for the classes of its dataset"),
    ):
        evaluation.evaluate_model(environment, evaluated.job)
    assert left(environment) == []


def test_a_job_that_is_not_there_and_a_model_that_was_deleted_are_told(
    environment: Environment, trained_job: training.TrainingJob
) -> None:
    with pytest.raises(NotFound):
        evaluation.evaluate_model(environment, "never")

    def deleted(parsed: dict[str, Any]) -> None:
        parsed["ModelArtifacts"]["S3ModelArtifacts"] += ".gone"

    with (
        answers.changed(environment.sagemaker, "DescribeTrainingJob", deleted),
        pytest.raises(ModelMissing, match="was deleted"),
    ):
        evaluation.evaluate_model(environment, trained_job.name)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_pictures_is_told_before_anything_is_made(
    environment: Environment, trained_job: training.TrainingJob, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceUnavailable, match="no PNG or JPEG file"):
        evaluation.evaluate_model(environment, trained_job.name, extra_images=tmp_path / name)
    assert left(environment) == []
