"""Serving trained models from the project's endpoint, which captures what it is asked and answers."""

from backend.deployment.artifacts import deployable
from backend.deployment.challenger import add_challenger, promote, set_share, withdraw
from backend.deployment.deploy import delete_endpoint, deploy_model, roll_back
from backend.deployment.endpoint import Endpoint, describe_endpoint, wait_for_endpoint
from backend.deployment.history import MOST_LISTED, Configuration, list_configurations
from backend.deployment.lineage import Link, Step, lineage
from backend.deployment.serving import DeploymentOptions, capture_folder
from backend.deployment.temporary import temporary_endpoint
from backend.deployment.trial import Trial, is_trial, try_image
from backend.deployment.variants import Origin, Variant

__all__ = [
    "MOST_LISTED",
    "Configuration",
    "DeploymentOptions",
    "Endpoint",
    "Link",
    "Origin",
    "Step",
    "Trial",
    "Variant",
    "add_challenger",
    "capture_folder",
    "delete_endpoint",
    "deploy_model",
    "deployable",
    "describe_endpoint",
    "is_trial",
    "lineage",
    "list_configurations",
    "promote",
    "roll_back",
    "set_share",
    "temporary_endpoint",
    "try_image",
    "wait_for_endpoint",
    "withdraw",
]
