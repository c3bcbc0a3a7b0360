"""Two models side by side behind the endpoint: a challenger with a share of the requests, or as the other's shadow."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.aws.names import stamp
from backend.deployment.artifacts import find_artifact
from backend.deployment.deploy import serve
from backend.deployment.endpoint import Endpoint, describe_endpoint
from backend.deployment.history import require_servable
from backend.deployment.serving import create_config, create_model
from backend.deployment.variants import Variant
from backend.errors import DeploymentNotPossible, EndpointNotInService
from backend.staging import describe_dataset
from backend.training import TrainingJob, describe_training
from backend.wording import enumerated

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef


def add_challenger(environment: Environment, training_job: str, share: float, *, as_shadow: bool = False) -> str:
    """Put a training job's model beside the one that is served, on machines like its own; no request is lost.

    It answers this share of the requests, from 0 to 1, or as a shadow is asked copies of this share and answers
    nobody. Returns at once, with the name of the endpoint configuration: follow with wait_for_endpoint.
    Raises ModelMissing, EndpointNotInService, AwsRequestError, and DeploymentNotPossible where there is a challenger
    already or the model answers for other classes; what was made until then is deleted again.
    """
    job = describe_training(environment, training_job)
    artifact = find_artifact(environment, job)
    endpoint = _in_service(environment)
    champion = _champion(endpoint)
    if endpoint.challenger is not None:
        raise DeploymentNotPossible(
            f"{endpoint.challenger.name} is beside {champion.name} already. Promote or withdraw it first."
        )
    _require_same_classes(environment, champion, job)
    require_servable(environment, endpoint.endpoint_config)
    config = _describe_config(environment, endpoint)
    name = environment.names.stamped()
    variants = _side_by_side(config, name, share, as_shadow=as_shadow)
    with ExitStack() as undo:
        create_model(environment, name, artifact)
        undo.callback(environment.sagemaker.delete_model, ModelName=name)
        create_config(environment, name, config.get("DataCaptureConfig"), **variants)
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        serve(environment, name, undo)
    return name


def set_share(environment: Environment, share: float) -> str:
    """Give the challenger another share of the requests, from 0 to 1, or of the copies; the containers stay.

    Returns at once, with the name of the endpoint configuration, which stays: follow with wait_for_endpoint.
    Raises EndpointNotInService, DeploymentNotPossible, AwsRequestError.
    """
    endpoint = _in_service(environment)
    champion, challenger = _champion(endpoint), _challenger(endpoint)
    weights = _weights(share, as_shadow=challenger.is_shadow)
    with aws_errors(f"change the weights of endpoint {endpoint.name}"):
        environment.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint.name,
            DesiredWeightsAndCapacities=[
                {"VariantName": variant.name, "DesiredWeight": weight}
                for variant, weight in zip((champion, challenger), weights, strict=True)
            ],
        )
    return endpoint.endpoint_config


def promote(environment: Environment) -> str:
    """Have the challenger serve alone, under its own variant's name, without losing a request.

    Returns at once, with the name of a new endpoint configuration: follow with wait_for_endpoint.
    Raises EndpointNotInService, DeploymentNotPossible, ModelMissing, AwsRequestError.
    """
    endpoint = _in_service(environment)
    return _serve_alone(environment, endpoint, _challenger(endpoint))


def withdraw(environment: Environment) -> str:
    """Have the champion serve alone again. Returns and raises as `promote` does."""
    endpoint = _in_service(environment)
    _challenger(endpoint)
    return _serve_alone(environment, endpoint, _champion(endpoint))


def _serve_alone(environment: Environment, endpoint: Endpoint, variant: Variant) -> str:
    require_servable(environment, endpoint.endpoint_config)
    config = _describe_config(environment, endpoint)
    every: list[Any] = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    [kept] = (item for item in every if item["VariantName"] == variant.name)
    name = environment.names.stamped()
    with ExitStack() as undo:
        create_config(environment, name, config.get("DataCaptureConfig"), [kept | {"InitialVariantWeight": 1.0}])
        undo.callback(environment.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        serve(environment, name, undo)
    return name


def _side_by_side(
    config: DescribeEndpointConfigOutputTypeDef, model: str, share: float, *, as_shadow: bool
) -> dict[str, Any]:
    """The variants of a configuration with this model beside the one that a configuration has."""
    own, other = _weights(share, as_shadow=as_shadow)
    production: dict[str, Any] = {**config["ProductionVariants"][0], "InitialVariantWeight": own}
    name = f"{'shadow' if as_shadow else 'challenger'}-{stamp()}"
    beside = production | {"VariantName": name, "ModelName": model, "InitialVariantWeight": other}
    return {"variants": [production], "shadow": beside} if as_shadow else {"variants": [production, beside]}


def _weights(share: float, *, as_shadow: bool) -> tuple[float, float]:
    """Of the champion and of the challenger; raises DeploymentNotPossible for what is no share."""
    if not 0 <= share <= 1:
        raise DeploymentNotPossible(f"{share:g} is no share of the requests. Choose one from 0 to 1.")
    return (1.0 if as_shadow else round(1 - share, 6)), round(share, 6)


def _in_service(environment: Environment) -> Endpoint:
    endpoint = describe_endpoint(environment)
    name = environment.names.endpoint
    if endpoint is None:
        raise EndpointNotInService(f"Endpoint {name} does not exist. Deploy a model first.")
    if not endpoint.in_service:
        raise EndpointNotInService(f"Endpoint {name} is {endpoint.status}. Wait until it is in service, and try again.")
    return endpoint


def _champion(endpoint: Endpoint) -> Variant:
    if endpoint.champion is None:
        raise DeploymentNotPossible(
            f"Endpoint configuration {endpoint.endpoint_config} was deleted, which endpoint {endpoint.name} serves "
            "from: nobody can say any more what that is. Deploy a model."
        )
    return endpoint.champion


def _challenger(endpoint: Endpoint) -> Variant:
    _champion(endpoint)
    if endpoint.challenger is None:
        raise DeploymentNotPossible(f"Endpoint {endpoint.name} has no challenger. Add one first.")
    return endpoint.challenger


def _require_same_classes(environment: Environment, champion: Variant, job: TrainingJob) -> None:
    """As far as both are known: whoever asks the endpoint cannot know which model answers."""
    dataset = describe_dataset(environment, job.dataset_id) if job.dataset_id else None
    known = champion.origin.labels
    if dataset is not None and known and dataset.labels != known:
        raise DeploymentNotPossible(
            f"The model of {job.name} answers for {enumerated(dataset.labels)}, and {champion.name} for "
            f"{enumerated(known)}: side by side they would be taken for each other. Choose a model of the same classes."
        )


def _describe_config(environment: Environment, endpoint: Endpoint) -> DescribeEndpointConfigOutputTypeDef:
    name = endpoint.endpoint_config
    with aws_errors(f"describe endpoint configuration {name}"):
        return environment.sagemaker.describe_endpoint_config(EndpointConfigName=name)
