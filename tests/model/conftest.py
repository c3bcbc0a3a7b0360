"""A small dataset and a model trained on it, made once."""

from __future__ import annotations

import pytest

from backend import model, pipeline, staging
from backend.environment import Environment


@pytest.fixture(scope="session")
def dataset(environment: Environment) -> staging.Dataset:
    source = staging.OfflineSample(train_per_class=48, test_per_class=8)
    return pipeline.stage(environment, source, ("bicycle", "motorcycle"))


@pytest.fixture(scope="session")
def trained(environment: Environment, dataset: staging.Dataset) -> model.TrainingRun:
    name = model.start_training(environment, dataset, model.TrainingOptions(epochs=2))
    return model.wait_for_training(environment, name)
