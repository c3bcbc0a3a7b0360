"""The models behind an endpoint: its variants, each with where its model came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.errors import DatasetDamaged
from backend.staging import describe_dataset
from backend.training.jobs import dataset_id_of


@dataclass(frozen=True)
class Origin:
    """Where a model came from; what is gone, or was never there, is None."""

    artifact: str | None = None
    training_job: str | None = None
    dataset_id: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """A model behind the endpoint, with the machines it is on and its weight.

    A shadow is asked copies of requests and answers nobody. `current_weight` is None while the variant does not serve;
    `model` and all that hangs on it are None of one that serves and is in no configuration any more.
    """

    name: str
    is_shadow: bool
    model: str | None
    origin: Origin
    instance_type: str | None
    instance_count: int | None
    current_weight: float | None
    desired_weight: float


Origins = Callable[[str], Origin]
"""Where the model of a name came from."""


def origins(environment: Environment) -> Origins:
    """Looks each model up once, for as long as what is returned is kept."""
    return cache(lambda model: _origin(environment, model))


def configured_variants(config: Mapping[str, Any], origin_of: Origins) -> Iterator[Variant]:
    """The variants of an endpoint configuration that SageMaker described, the production variants first."""
    for member, is_shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
        for item in config.get(member, []):
            yield Variant(
                name=item["VariantName"],
                is_shadow=is_shadow,
                model=item.get("ModelName"),
                origin=origin_of(item["ModelName"]) if "ModelName" in item else Origin(),
                instance_type=item.get("InstanceType"),
                instance_count=item.get("InitialInstanceCount"),
                current_weight=None,
                desired_weight=item.get("InitialVariantWeight", 1.0),
            )


def share(variants: tuple[Variant, ...], variant: Variant, *, desired: bool = False) -> float | None:
    """Which share of the requests a variant answers or, of a shadow, is asked copies of; None where it serves none.

    Source: API reference, ProductionVariant, InitialVariantWeight. Of a shadow it is the ratio to the production
    variant's weight, 1 at most.
    """
    own = _weight(variant, desired=desired)
    weights = [_weight(other, desired=desired) or 0.0 for other in variants if not other.is_shadow]
    if own is None or not sum(weights):
        return None
    return min(own / sum(weights), 1.0)


def _weight(variant: Variant, *, desired: bool) -> float | None:
    return variant.desired_weight if desired else variant.current_weight


def _origin(environment: Environment, model: str) -> Origin:
    described = find(environment.sagemaker.describe_model, ModelName=model)
    artifact = described.get("PrimaryContainer", {}).get("ModelDataUrl") if described else None
    name = _job_of(artifact) if artifact else None
    job = find(environment.sagemaker.describe_training_job, TrainingJobName=name) if name else None
    dataset_id = dataset_id_of(job) if job else None
    labels = _labels(environment, dataset_id) if dataset_id else ()
    return Origin(artifact, job["TrainingJobName"] if job else None, dataset_id, labels)


def _labels(environment: Environment, dataset_id: str) -> tuple[str, ...]:
    """None where the dataset is gone, or damaged, which keeps no endpoint from being told of."""
    with suppress(DatasetDamaged):
        if dataset := describe_dataset(environment, dataset_id):
            return dataset.labels
    return ()


def _job_of(artifact: str) -> str | None:
    """The name of the training job that wrote `s3://<bucket>/models/<job>/output/model.tar.gz`; None for others."""
    parts = artifact.split("/")
    return parts[-3] if parts[-2:] == ["output", "model.tar.gz"] else None
