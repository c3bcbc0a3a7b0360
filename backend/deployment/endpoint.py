"""The project's endpoint as SageMaker describes it, with where its models came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.polling import attempts, goes_on
from backend.deployment.variants import Origin, Variant, configured_variants, origins, share
from backend.errors import EndpointNotInService
from backend.progress import Progress, no_progress

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

CHANGING = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"})
"""The statuses of an endpoint that is neither to be changed nor to be deleted yet."""


@dataclass(frozen=True)
class Endpoint:
    """The endpoint as SageMaker describes it.

    What hangs on the endpoint configuration is None, and there are no variants, when that is gone: it serves on.
    """

    name: str
    status: str
    failure_reason: str | None
    modified_at: datetime
    endpoint_config: str
    variants: tuple[Variant, ...]
    """Those that are configured, the champion first, and then those that still serve and are not."""
    capture_percent: int
    capture_destination: str | None

    @property
    def in_service(self) -> bool:
        return self.status == "InService"

    @property
    def is_changing(self) -> bool:
        return self.status in CHANGING

    @property
    def champion(self) -> Variant | None:
        """The variant whose model was deployed: all requests are its own, but for a challenger's share."""
        return next((variant for variant in self.variants if variant.model is not None), None)

    @property
    def challenger(self) -> Variant | None:
        """The variant that is tried beside the champion: with a share of the requests, or as its shadow."""
        return next((variant for variant in self.variants if variant.model and variant != self.champion), None)

    @property
    def model(self) -> str | None:
        return self.champion.model if self.champion else None

    @property
    def model_artifact(self) -> str | None:
        return self._origin.artifact

    @property
    def training_job(self) -> str | None:
        return self._origin.training_job

    @property
    def dataset_id(self) -> str | None:
        return self._origin.dataset_id

    @property
    def labels(self) -> tuple[str, ...]:
        return self._origin.labels

    def share(self, variant: Variant, *, desired: bool = False) -> float | None:
        """Which share of the requests one of the variants answers, or is asked copies of; None where it serves none."""
        return share(self.variants, variant, desired=desired)

    @property
    def _origin(self) -> Origin:
        return self.champion.origin if self.champion else Origin()


def describe_endpoint(environment: Environment) -> Endpoint | None:
    """The project's endpoint and its lineage, or None when there is none."""
    with aws_errors("describe the endpoint"):
        endpoint = find_endpoint(environment, environment.names.endpoint)
        if endpoint is None:
            return None
        name = endpoint["EndpointConfigName"]
        config = find(environment.sagemaker.describe_endpoint_config, EndpointConfigName=name)
        configured = tuple(configured_variants(config or {}, origins(environment)))
    capture: Mapping[str, Any] = config.get("DataCaptureConfig", {}) if config else {}
    return Endpoint(
        name=endpoint["EndpointName"],
        status=endpoint["EndpointStatus"],
        failure_reason=endpoint.get("FailureReason"),
        modified_at=endpoint["LastModifiedTime"],
        endpoint_config=name,
        variants=_serving(configured, endpoint),
        capture_percent=capture["InitialSamplingPercentage"] if capture.get("EnableCapture") else 0,
        capture_destination=capture.get("DestinationS3Uri"),
    )


def wait_for_endpoint(
    environment: Environment, progress: Progress = no_progress, *, config: str | None = None
) -> Endpoint:
    """Wait until the endpoint stops changing, and serves from an endpoint configuration where one is named.

    Raises EndpointNotInService with SageMaker's reason when it failed. A change that fails is taken back: the endpoint
    is in service again, from the configuration of before, and SageMaker does not always say why.
    """
    name = environment.names.endpoint
    with goes_on(f"SageMaker goes on with endpoint {name}."):
        for _ in attempts(f"Endpoint {name}"):
            endpoint = describe_endpoint(environment)
            if endpoint is None or not endpoint.is_changing:
                break
            progress(0.0, f"Endpoint {name}: {endpoint.status}.")
    if endpoint is None:
        raise EndpointNotInService(f"Endpoint {name} does not exist. Deploy a model again.")
    if not endpoint.in_service:
        reason = endpoint.failure_reason or "no reason given"
        raise EndpointNotInService(f"Endpoint {name} is {endpoint.status}: {reason}. Deploy a model again.")
    if config is not None and endpoint.endpoint_config != config:
        raise EndpointNotInService(
            f"Endpoint {name} does not serve the new model: SageMaker took the change back"
            f"{f' ({endpoint.failure_reason})' if endpoint.failure_reason else ''}. It serves what it served before. "
            "Read the endpoint's log, and deploy again."
        )
    return endpoint


def find_endpoint(environment: Environment, name: str) -> DescribeEndpointOutputTypeDef | None:
    """What DescribeEndpoint answers, or None when there is no such endpoint."""
    return find(environment.sagemaker.describe_endpoint, EndpointName=name)


def _serving(configured: tuple[Variant, ...], endpoint: Mapping[str, Any]) -> tuple[Variant, ...]:
    """The variants with the weights that they have now; behind them those that serve until an update has ended."""
    summaries = {
        item["VariantName"]: (item, is_shadow)
        for member, is_shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True))
        for item in endpoint.get(member, [])
    }
    known = tuple(_weighed(variant, summaries.pop(variant.name, ({}, False))[0]) for variant in configured)
    leaving = (
        Variant(name, is_shadow, None, Origin(), None, item.get("CurrentInstanceCount"), item.get("CurrentWeight"), 0.0)
        for name, (item, is_shadow) in summaries.items()
    )
    return (*known, *leaving)


def _weighed(variant: Variant, summary: Mapping[str, Any]) -> Variant:
    return replace(
        variant,
        current_weight=summary.get("CurrentWeight"),
        desired_weight=summary.get("DesiredWeight", variant.desired_weight),
        instance_count=summary.get("DesiredInstanceCount", variant.instance_count),
    )
