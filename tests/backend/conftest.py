"""A small dataset and a model trained on it, made once."""

from __future__ import annotations

import pytest

from backend import staging, training
from backend.aws.environment import Environment


@pytest.fixture(scope="session")
def dataset(environment: Environment) -> staging.Dataset:
    source = staging.OfflineSample(train_per_class=56, test_per_class=8)
    return staging.stage_dataset(environment, source, ("bicycle", "motorcycle"), other=None)


@pytest.fixture(scope="session")
def trained_job(environment: Environment, dataset: staging.Dataset) -> training.TrainingJob:
    name = training.start_training(environment, dataset, training.TrainingOptions(epochs=2))
    return training.wait_for_training(environment, name)
