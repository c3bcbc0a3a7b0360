"""Training the image classifier: jobs of SageMaker's built-in algorithm, and what they log."""

from backend.training.jobs import (
    TrainingJob,
    describe_training,
    list_training_jobs,
    options_of,
    start_training,
    stop_training,
    wait_for_training,
)
from backend.training.log import Accuracy, EpochMetrics, TrainingLog, read_training_log
from backend.training.options import LEARNING_RATES, TrainingOptions

__all__ = [
    "LEARNING_RATES",
    "Accuracy",
    "EpochMetrics",
    "TrainingJob",
    "TrainingLog",
    "TrainingOptions",
    "describe_training",
    "list_training_jobs",
    "options_of",
    "read_training_log",
    "start_training",
    "stop_training",
    "wait_for_training",
]
