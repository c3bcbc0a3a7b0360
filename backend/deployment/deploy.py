"""Putting a trained model into service behind the project's endpoint, and taking it away."""

from __future__ import annotations

from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.deployment.artifacts import find_artifact
from backend.deployment.endpoint import describe_endpoint, find_endpoint
from backend.deployment.history import models_in_use, require_servable
from backend.deployment.serving import (
    DeploymentOptions,
    create_endpoint_config,
    create_model,
    delete_endpoint_and_wait,
)
from backend.errors import DeploymentNotPossible
from backend.progress import Progress, no_progress
from backend.training import describe_training


def deploy_model(environment: Environment, training_job: str, options: DeploymentOptions) -> str:
    """Serve a training job's model alone; an endpoint that exists goes over to it without losing a request.

    Returns at once, with the name of the endpoint configuration: follow with wait_for_endpoint. Raises ModelMissing
    when the job has no model, DeploymentNotPossible, AwsRequestError when AWS refuses; what was made until then is
    deleted again, unless the endpoint may serve from it.
    """
    artifact = find_artifact(environment, describe_training(environment, training_job))
    name = environment.names.stamped()
    with ExitStack() as undo:
        create_model(environment, name, artifact)
        undo.callback(environment.sagemaker.delete_model, ModelName=name)
        create_endpoint_config(environment, name, options)
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        serve(environment, name, undo)
    return name


def roll_back(environment: Environment, config: str) -> str:
    """Serve again from an earlier endpoint configuration, without losing a request; returns at once, with its name.

    Raises DeploymentNotPossible where it is gone or serves already, ModelMissing, AwsRequestError.
    """
    endpoint = describe_endpoint(environment)
    if endpoint is not None and endpoint.in_service and endpoint.endpoint_config == config:
        raise DeploymentNotPossible(f"Endpoint {endpoint.name} serves from {config} already. Choose another one.")
    require_servable(environment, config)
    with ExitStack() as nothing_was_made:
        serve(environment, config, nothing_was_made)
    return config


def serve(environment: Environment, config: str, undo: ExitStack) -> None:
    """Have the endpoint serve from a configuration, whether it exists or not; returns at once.

    Raises AwsRequestError when AWS refuses. `undo`, which would take back what was made for it, forgets that where the
    endpoint may serve from it.
    """
    try:
        _create_or_update_endpoint(environment, config)
    except BaseException as error:
        if _may_be_accepted(environment, config, error):
            undo.pop_all()
        raise
    undo.pop_all()


def delete_endpoint(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the endpoint, wait until it is gone, and delete its configuration and models.

    Earlier configurations stay with the models that they name, and so do training jobs and artifacts. An endpoint that
    is not there is no error.
    """
    endpoint = describe_endpoint(environment)
    if endpoint is None:
        return
    with aws_errors(f"delete endpoint {endpoint.name}"):
        delete_endpoint_and_wait(environment, endpoint.name, progress)
        with missing_is_fine():
            environment.sagemaker.delete_endpoint_config(EndpointConfigName=endpoint.endpoint_config)
        own = {variant.model for variant in endpoint.variants if variant.model}
        for model in own - models_in_use(environment):
            with missing_is_fine():
                environment.sagemaker.delete_model(ModelName=model)


def _create_or_update_endpoint(environment: Environment, config: str) -> None:
    name = environment.names.endpoint
    with aws_errors("deploy the endpoint"):
        existing = find_endpoint(environment, name)
        if existing is not None and existing["EndpointStatus"] != "Failed":
            environment.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
            return
        if existing is not None:
            delete_endpoint_and_wait(environment, name)  # a failed endpoint cannot be updated
        environment.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=environment.tag_list)


def _may_be_accepted(environment: Environment, config: str, error: BaseException) -> bool:
    """Whether the endpoint may serve from this configuration, though asking for it failed.

    An answer that was lost says nothing; a refusal may be of boto3's second attempt, after the first was accepted.
    """
    if not isinstance(error.__cause__, ClientError):
        return True
    try:
        endpoint = find_endpoint(environment, environment.names.endpoint)
    except (BotoCoreError, ClientError):
        return True
    if endpoint is None:
        return False
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return config in (endpoint["EndpointConfigName"], pending)
