"""Training the image classifier, and serving it from an endpoint."""

from backend.model.deployment import DeploymentOptions, delete_endpoint, deploy_model
from backend.model.endpoint import EndpointState, describe_endpoint, wait_for_endpoint
from backend.model.training import (
    LEARNING_RATES,
    TrainingOptions,
    TrainingRun,
    describe_training,
    list_training_jobs,
    start_training,
    stop_training,
    wait_for_training,
)
from backend.model.training_log import EpochMetrics, TrainingLog, read_training_log

__all__ = [
    "LEARNING_RATES",
    "DeploymentOptions",
    "EndpointState",
    "EpochMetrics",
    "TrainingLog",
    "TrainingOptions",
    "TrainingRun",
    "delete_endpoint",
    "deploy_model",
    "describe_endpoint",
    "describe_training",
    "list_training_jobs",
    "read_training_log",
    "start_training",
    "stop_training",
    "wait_for_endpoint",
    "wait_for_training",
]
