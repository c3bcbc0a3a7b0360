"""Training jobs, as a page starts and follows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from backend import staging, training
from backend.aws.environment import Environment
from backend.errors import NotFound, TrainingFailed, TrainingNotPossible
from tests import answers

TIMEOUT = 10.0


def test_a_job_trains_on_the_staged_images(trained_job: training.TrainingJob, dataset: staging.Dataset) -> None:
    assert trained_job.status == "Completed"
    assert trained_job.dataset_id == dataset.dataset_id
    assert trained_job.hyperparameters["num_training_samples"] == "96"
    assert trained_job.validation_accuracy is not None


def test_a_jobs_log_tells_of_every_epoch(environment: Environment, trained_job: training.TrainingJob) -> None:
    log = training.read_training_log(environment, trained_job.name)
    assert [epoch.epoch for epoch in log.epochs] == [0, 1]
    assert log.epochs[-1].validation_accuracy == pytest.approx(trained_job.validation_accuracy, abs=1e-6)


def test_the_newest_job_is_listed_first(environment: Environment, dataset: staging.Dataset) -> None:
    names = [start_and_stop(environment, dataset) for _ in range(2)]
    assert [job.name for job in training.list_training_jobs(environment)[:2]] == names[::-1]


def test_another_projects_newer_jobs_do_not_crowd_ours_out(environment: Environment) -> None:
    """Its name begins like ours, and so do its jobs' names, of which AWS can only be asked what they contain."""
    ours = names_of(environment.project, 25)
    theirs = names_of(f"{environment.project}-y", 130)
    with answered_by(environment, [*theirs, *ours]):
        listed = training.list_training_jobs(environment)
    assert [job.name for job in listed] == ours[:20]


def test_jobs_are_described_side_by_side(environment: Environment) -> None:
    both_are_asked_for = threading.Barrier(2)
    with answered_by(environment, names_of(environment.project, 2), lambda: both_are_asked_for.wait(TIMEOUT)):
        assert len(training.list_training_jobs(environment)) == 2


def test_a_job_that_is_known_to_have_ended_is_not_asked_for_again(environment: Environment) -> None:
    names = names_of(environment.project, 3)
    with answered_by(environment, names):
        newest, *older = training.list_training_jobs(environment)
    asked: list[Any] = []
    with answered_by(environment, names, lambda: asked.append(None)):
        listed = training.list_training_jobs(environment, ended={job.name: job for job in older})
    assert ([job.name for job in listed], len(asked)) == (names, 1)
    assert listed[1:] == older
    assert newest.name == names[0]


def test_a_job_can_be_asked_for_again_with_what_it_was_asked_for(
    environment: Environment, dataset: staging.Dataset
) -> None:
    options = training.TrainingOptions(
        44, 500, 16, "rmsprop", 0.003, 0.25, "", "7,9", 0.5, "ml.g5.xlarge", max_runtime_hours=3
    )
    name = training.start_training(environment, dataset, options)
    training.stop_training(environment, name)
    assert training.options_of(training.describe_training(environment, name)) == options


def test_what_a_job_left_to_the_algorithm_is_the_algorithms_own() -> None:
    """Source: SageMaker developer guide, "Image Classification Hyperparameters"."""
    options = training.TrainingOptions.of_hyperparameters({"num_classes": "2", "epochs": "3", "learning_rate": "fast"})
    assert options == training.TrainingOptions(152, 3, 32, "sgd", 0.1, 0.0001, "", "", 0.1)


def test_a_job_that_is_not_there_is_named(environment: Environment) -> None:
    with pytest.raises(NotFound, match="no-such-job"):
        training.describe_training(environment, "no-such-job")


def test_a_batch_larger_than_the_dataset_is_refused_before_anything_starts(
    environment: Environment, dataset: staging.Dataset
) -> None:
    before = {run.name for run in training.list_training_jobs(environment)}
    with pytest.raises(TrainingNotPossible, match="96 training images"):
        training.start_training(environment, dataset, training.TrainingOptions(mini_batch_size=97))
    assert {run.name for run in training.list_training_jobs(environment)} == before


def start_and_stop(environment: Environment, dataset: staging.Dataset) -> str:
    """A training job that costs nothing; returns its name."""
    name = training.start_training(environment, dataset, training.TrainingOptions(epochs=500))
    training.stop_training(environment, name)
    return name


def names_of(project: str, count: int) -> list[str]:
    """Names of a project's training jobs, the newest first."""
    return [f"{project}-20260131-093012-{number:06}" for number in reversed(range(count))]


@contextmanager
def answered_by(
    environment: Environment, names: Sequence[str], describing: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """A SageMaker that has these training jobs, the newest first."""

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 10)  # as the API reference has it
        found = [name for name in names if request["NameContains"] in name]
        more = {"NextToken": str(start + size)} if start + size < len(found) else {}
        return {"TrainingJobSummaries": [{"TrainingJobName": name} for name in found[start : start + size]], **more}

    def described(request: dict[str, Any]) -> dict[str, Any]:
        describing()
        return {
            "TrainingJobName": request["TrainingJobName"],
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "CreationTime": datetime.now(UTC),
        }

    with (
        answers.answered(environment.sagemaker, "ListTrainingJobs", listed),
        answers.answered(environment.sagemaker, "DescribeTrainingJob", described),
    ):
        yield


@pytest.mark.parametrize(
    ("secondary", "reason"), [("Stopped", "it was stopped"), ("MaxRuntimeExceeded", "it ran into its time limit")]
)
def test_a_job_that_did_not_complete_says_why(secondary: str, reason: str) -> None:
    account = answers.account()
    stopped = {
        "TrainingJobName": "job",
        "TrainingJobStatus": "Stopped",
        "SecondaryStatus": secondary,
        "CreationTime": datetime.now(UTC),
    }
    with (
        answers.answered(account.sagemaker, "DescribeTrainingJob", lambda _request: stopped),
        pytest.raises(TrainingFailed, match=f"ended as Stopped: {reason}"),
    ):
        training.wait_for_training(account, "job")


def test_a_job_may_take_as_long_as_was_chosen(dataset: staging.Dataset) -> None:
    account = answers.account()
    asked: list[dict[str, Any]] = []

    def create(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"TrainingJobArn": "arn"}

    with answers.answered(account.sagemaker, "CreateTrainingJob", create):
        training.start_training(account, dataset, training.TrainingOptions(max_runtime_hours=72))
    assert asked[0]["StoppingCondition"] == {"MaxRuntimeInSeconds": 259_200}
    assert "max_runtime_hours" not in asked[0]["HyperParameters"]


def test_a_stopped_job_ends_as_stopped(environment: Environment, dataset: staging.Dataset) -> None:
    name = training.start_training(environment, dataset, training.TrainingOptions(epochs=500))
    training.stop_training(environment, name)
    with pytest.raises(TrainingFailed, match="Stopped"):
        training.wait_for_training(environment, name)


def test_wrong_hyperparameters_end_the_wait_with_the_algorithms_reason(
    environment: Environment, dataset: staging.Dataset
) -> None:
    name = training.start_training(environment, dataset, training.TrainingOptions(num_layers=21))
    with pytest.raises(TrainingFailed, match="num_layers"):
        training.wait_for_training(environment, name)
