"""Training jobs, as a page starts and follows them."""

from __future__ import annotations

import pytest

from backend import staging, training
from backend.aws.environment import Environment
from backend.errors import NotFound, TrainingFailed, TrainingNotPossible


def test_a_job_trains_on_the_staged_images(trained: training.TrainingJob, dataset: staging.Dataset) -> None:
    assert trained.status == "Completed"
    assert trained.dataset_id == dataset.dataset_id
    assert trained.hyperparameters["num_training_samples"] == "96"
    assert trained.validation_accuracy is not None


def test_a_jobs_log_tells_of_every_epoch(environment: Environment, trained: training.TrainingJob) -> None:
    log = training.read_training_log(environment, trained.name)
    assert [epoch.epoch for epoch in log.epochs] == [0, 1]
    assert log.epochs[-1].validation_accuracy == pytest.approx(trained.validation_accuracy, abs=1e-6)


def test_the_newest_job_is_listed_first(environment: Environment, trained: training.TrainingJob) -> None:
    assert trained.name in {run.name for run in training.list_training_jobs(environment)}


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
