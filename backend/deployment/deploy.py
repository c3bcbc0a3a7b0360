"""Putting a trained model into service behind the project's endpoint, and taking it away."""

from __future__ import annotations

from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.deployment.artifacts import find_artifact
from backend.deployment.endpoint import describe_endpoint, find_endpoint
from backend.deployment.serving import (
    DeploymentOptions,
    create_endpoint_config,
    create_model,
    delete_endpoint_and_wait,
)
from backend.progress import Progress, no_progress
from backend.training import describe_training


def deploy_model(environment: Environment, training_job: str, options: DeploymentOptions) -> str:
    """Serve a training job's model; an endpoint that exists goes over to it without losing a request.

    Returns at once, with the name of the endpoint configuration: follow with wait_for_endpoint. Raises ModelMissing
    when the job has no model, AwsRequestError when AWS refuses; what was made until then is deleted again, unless the
    endpoint may serve from it.
    """
    artifact = find_artifact(environment, describe_training(environment, training_job))
    name = environment.names.stamped()
    with ExitStack() as undo:
        create_model(environment, name, artifact)
        undo.callback(environment.sagemaker.delete_model, ModelName=name)
        create_endpoint_config(environment, name, options)
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        try:
            _create_or_update_endpoint(environment, name)
        except BaseException as error:
            if _may_be_accepted(environment, name, error):
                undo.pop_all()
            raise
        undo.pop_all()
    return name


def delete_endpoint(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the endpoint, wait until it is gone, and delete its configuration and model.

    The training job and its artifact stay. An endpoint that is not there is no error.
    """
    endpoint = describe_endpoint(environment)
    if endpoint is None:
        return
    with aws_errors(f"delete endpoint {endpoint.name}"):
        delete_endpoint_and_wait(environment, endpoint.name, progress)
        with missing_is_fine():
            environment.sagemaker.delete_endpoint_config(EndpointConfigName=endpoint.endpoint_config)
        if endpoint.model is not None:
            with missing_is_fine():
                environment.sagemaker.delete_model(ModelName=endpoint.model)


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
