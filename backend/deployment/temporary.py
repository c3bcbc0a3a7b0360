"""An endpoint of a model's own, there only while somebody asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, missing_is_fine
from backend.aws.polling import attempts
from backend.deployment.artifacts import find_artifact
from backend.deployment.endpoint import CHANGING, find_endpoint
from backend.deployment.serving import (
    DeploymentOptions,
    create_endpoint_config,
    create_model,
    delete_settled_endpoint,
)
from backend.errors import AwsRequestError, EndpointNotInService
from backend.progress import Progress, no_progress
from backend.training import TrainingJob

_OPTIONS = DeploymentOptions(capture_percent=0)
_LEFT = "Its endpoint {name} is left, and on AWS billed: delete it on the cleanup page."


@contextmanager
def temporary_endpoint(environment: Environment, job: TrainingJob, progress: Progress = no_progress) -> Iterator[str]:
    """Serve a training job's model, without data capture, while the block lasts; yields the endpoint's name.

    Whatever happens, the endpoint goes with its configuration, its model and its log; an endpoint that is being
    created is waited for, as AWS deletes none before. What a killed process leaves has the project's tag.
    Raises ModelMissing when the job has no model, EndpointNotInService when it does not come into service,
    AwsRequestError when AWS refuses; its note says so when something is left.
    """
    artifact = find_artifact(environment, job)
    name = environment.names.evaluation_endpoint()
    try:
        create_model(environment, name, artifact)
        create_endpoint_config(environment, name, _OPTIONS)
        with aws_errors(f"create endpoint {name}"):
            environment.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=environment.tag_list)
        _await_service(environment, name, progress)
        yield name
    except BaseException as failure:  # a cancelled job too leaves nothing
        try:
            _delete(environment, name)
        except AwsRequestError as leftover:
            failure.add_note(f"{leftover} {_LEFT.format(name=name)}")
        raise
    try:
        _delete(environment, name)
    except AwsRequestError as leftover:
        leftover.add_note(_LEFT.format(name=name))
        raise


def _await_service(environment: Environment, name: str, progress: Progress) -> None:
    for _ in attempts(f"Endpoint {name}"):
        with aws_errors(f"describe endpoint {name}"):
            endpoint = find_endpoint(environment, name)
        status = endpoint["EndpointStatus"] if endpoint else "deleted"
        if status == "InService":
            return
        if status not in CHANGING:
            reason = endpoint.get("FailureReason", "no reason given") if endpoint else "somebody deleted it"
            raise EndpointNotInService(f"Endpoint {name} is {status}: {reason}. Try again.")
        progress(0.0, f"Endpoint {name}: {status}.")


def _delete(environment: Environment, name: str) -> None:
    """Delete what has this name, the endpoint first; what is not there is no error."""
    with aws_errors(f"delete endpoint {name}"):
        delete_settled_endpoint(environment, name)
        with missing_is_fine():
            environment.sagemaker.delete_endpoint_config(EndpointConfigName=name)
        with missing_is_fine():
            environment.sagemaker.delete_model(ModelName=name)
        with missing_is_fine():
            environment.logs.delete_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
