"""What a person chooses of a training job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from backend.staging import Dataset

IMAGE_SHAPE = "3,28,28"
"""Crops of CIFAR's 32 x 32 pixels: the size for which the developer guide suggests 20 to 110 layers."""
LEARNING_RATES = {"nag": 0.02, "sgd": 0.02, "adam": 0.001, "rmsprop": 0.001}
"""A rate to begin with for each of the algorithm's optimizers, the default's first."""
_OF_THE_MACHINE = frozenset({"instance_type", "max_runtime_hours"})


@dataclass(frozen=True)
class TrainingOptions:
    """What a person chooses: the algorithm's hyperparameters, by its own names, and the machine.

    docs/local-sagemaker.md has the accuracies by which the defaults were chosen.
    Source: SageMaker developer guide, "Image Classification Hyperparameters".
    """

    num_layers: int = 20
    epochs: int = 30
    mini_batch_size: int = 32
    optimizer: str = "nag"
    learning_rate: float = LEARNING_RATES["nag"]
    weight_decay: float = 5e-3
    augmentation_type: str = "crop"
    lr_scheduler_step: str = "10,20"
    lr_scheduler_factor: float = 0.1
    instance_type: str = "ml.g4dn.xlarge"
    max_runtime_hours: int = 24
    """After which SageMaker stops the job; 24 is its own default. What was trained until then is kept."""

    def hyperparameters(self, dataset: Dataset) -> dict[str, str]:
        """The job's hyperparameters for this dataset; SageMaker takes every value as text."""
        chosen = {
            name: str(value) for name, value in asdict(self).items() if name not in _OF_THE_MACHINE and value != ""
        }
        return chosen | {
            "num_classes": str(len(dataset.labels)),
            "num_training_samples": str(dataset.size("train")),
            "image_shape": IMAGE_SHAPE,
        }

    @classmethod
    def of_hyperparameters(cls, hyperparameters: Mapping[str, str]) -> TrainingOptions:
        """The options that a job's hyperparameters are; what it left out, or is no number, as the algorithm has it."""
        given: dict[str, Any] = {}
        for name, usual in asdict(_ALGORITHMS_OWN).items():
            with suppress(KeyError, ValueError):
                given[name] = type(usual)(hyperparameters[name])
        return replace(_ALGORITHMS_OWN, **given)


_ALGORITHMS_OWN = TrainingOptions(
    num_layers=152,
    epochs=30,
    mini_batch_size=32,
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=1e-4,
    augmentation_type="",
    lr_scheduler_step="",
    lr_scheduler_factor=0.1,
)
"""What the algorithm takes where a job says nothing.

Source: SageMaker developer guide, "Image Classification Hyperparameters".
"""
