"""The endpoint configurations that the project made: what the endpoint served, and can serve again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.listing import stamped_names
from backend.deployment.artifacts import is_there
from backend.deployment.variants import Variant, configured_variants, origins, share
from backend.errors import DeploymentNotPossible, ModelMissing

MOST_LISTED = 20
_THREADS = 8


@dataclass(frozen=True)
class Configuration:
    """An endpoint configuration that was made for the project's endpoint."""

    name: str
    created_at: datetime
    variants: tuple[Variant, ...]
    """As they were configured: their weights may have been changed since."""

    @property
    def can_serve(self) -> bool:
        """Whether its models are there; whether their artifacts are, rolling back tells."""
        return all(variant.origin.artifact for variant in self.variants)

    def share(self, variant: Variant) -> float | None:
        """Which share of the requests one of its variants was to answer, or to be asked copies of."""
        return share(self.variants, variant, desired=True)


def list_configurations(environment: Environment) -> list[Configuration]:
    """The newest 20 configurations that the project made for its endpoint, newest first. Raises AwsRequestError."""
    origin_of = origins(environment)
    with aws_errors("list the endpoint configurations"):
        described = _describe(environment, islice(_names(environment), MOST_LISTED))
        return [
            Configuration(
                config["EndpointConfigName"], config["CreationTime"], tuple(configured_variants(config, origin_of))
            )
            for config in described
        ]


def require_servable(environment: Environment, name: str) -> None:
    """Raise when an endpoint could not serve from this configuration any more.

    DeploymentNotPossible where it is gone, ModelMissing where a model or its artifact is, AwsRequestError.
    """
    with aws_errors(f"describe endpoint configuration {name}"):
        config = find(environment.sagemaker.describe_endpoint_config, EndpointConfigName=name)
        if config is None:
            raise DeploymentNotPossible(f"Endpoint configuration {name} was deleted. Choose another one.")
        for variant in configured_variants(config, origins(environment)):
            if variant.origin.artifact is None:
                raise ModelMissing(f"Model {variant.model} of {name} was deleted. Choose another configuration.")
            if not is_there(environment, variant.origin.artifact):
                raise ModelMissing(
                    f"{variant.origin.artifact}, the artifact of model {variant.model}, was deleted. "
                    "Choose another configuration, or train again."
                )


def models_in_use(environment: Environment) -> set[str]:
    """The models that any of the project's configurations names; as boto3 raises."""
    return {
        item["ModelName"]
        for config in _describe(environment, _names(environment))
        for member in ("ProductionVariants", "ShadowProductionVariants")
        for item in config.get(member, [])
        if "ModelName" in item
    }


def _names(environment: Environment) -> Iterator[str]:
    """Newest first; evaluations have names of their own."""
    return stamped_names(environment, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName")


def _describe(environment: Environment, names: Iterator[str]) -> list[Mapping[str, Any]]:
    """In their order, without those that were deleted meanwhile."""

    def describe(name: str) -> Mapping[str, Any] | None:
        return find(environment.sagemaker.describe_endpoint_config, EndpointConfigName=name)

    with ThreadPoolExecutor(_THREADS) as pool:
        return [config for config in pool.map(describe, list(names)) if config is not None]
