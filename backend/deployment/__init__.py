"""Serving a trained model from the project's endpoint, which captures what it is asked and answers."""

from backend.deployment.artifacts import deployable
from backend.deployment.deploy import delete_endpoint, deploy_model
from backend.deployment.endpoint import Endpoint, describe_endpoint, wait_for_endpoint
from backend.deployment.serving import DeploymentOptions
from backend.deployment.temporary import temporary_endpoint

__all__ = [
    "DeploymentOptions",
    "Endpoint",
    "delete_endpoint",
    "deploy_model",
    "deployable",
    "describe_endpoint",
    "temporary_endpoint",
    "wait_for_endpoint",
]
