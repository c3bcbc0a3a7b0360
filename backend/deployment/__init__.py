"""Serving a trained model from the project's endpoint, which captures what it is asked and answers."""

from backend.deployment.artifacts import deployable
from backend.deployment.deploy import DeploymentOptions, delete_endpoint, delete_endpoint_and_wait, deploy_model
from backend.deployment.endpoint import Endpoint, describe_endpoint, wait_for_endpoint

__all__ = [
    "DeploymentOptions",
    "Endpoint",
    "delete_endpoint",
    "delete_endpoint_and_wait",
    "deploy_model",
    "deployable",
    "describe_endpoint",
    "wait_for_endpoint",
]
