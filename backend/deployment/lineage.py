"""From the images to the captured records: what led to what one of the endpoint's variants answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.aws.console import s3_url, sagemaker_url
from backend.aws.environment import Environment
from backend.aws.names import DATASETS_PREFIX
from backend.deployment.endpoint import Endpoint
from backend.deployment.variants import Variant


class Step(StrEnum):
    """What stands in a lineage, in its order."""

    DATASET = "Dataset"
    TRAINING_JOB = "Training job"
    ARTIFACT = "Model artifact"
    MODEL = "Model"
    CONFIGURATION = "Endpoint configuration"
    ENDPOINT = "Endpoint"
    CAPTURES = "Data capture"


@dataclass(frozen=True)
class Link:
    """One thing of a lineage; `name` is None where it is not known, and `note` says why, or more of what it is.

    `url` is where AWS's console shows it, if there is one.
    """

    step: Step
    name: str | None
    note: str = ""
    url: str | None = None


def lineage(environment: Environment, endpoint: Endpoint, variant: Variant) -> list[Link]:
    """All steps of a variant of the endpoint, as SageMaker and the dataset's description tell them."""
    origin = variant.origin
    return [
        _dataset(environment, variant),
        Link(
            Step.TRAINING_JOB,
            origin.training_job,
            "" if origin.training_job else "No training job of this account wrote the artifact.",
            origin.training_job and sagemaker_url(environment, "jobs", origin.training_job),
        ),
        Link(
            Step.ARTIFACT,
            origin.artifact,
            "" if origin.artifact else "The model that named it was deleted.",
            origin.artifact and s3_url(environment, origin.artifact),
        ),
        _model(environment, variant),
        Link(
            Step.CONFIGURATION,
            endpoint.endpoint_config,
            f"As variant {variant.name}." if variant.model else "It was deleted, or has this variant no more.",
            sagemaker_url(environment, "endpointConfig", endpoint.endpoint_config),
        ),
        Link(Step.ENDPOINT, endpoint.name, "", sagemaker_url(environment, "endpoints", endpoint.name)),
        _captures(environment, endpoint, variant),
    ]


def _dataset(environment: Environment, variant: Variant) -> Link:
    dataset_id = variant.origin.dataset_id
    if dataset_id is None:
        return Link(Step.DATASET, None, "No training job names one of this project.")
    note = "" if variant.origin.labels else "It was deleted since, or its description is damaged."
    uri = f"s3://{environment.bucket}/{DATASETS_PREFIX}{dataset_id}/"
    return Link(Step.DATASET, dataset_id, note, s3_url(environment, uri))


def _model(environment: Environment, variant: Variant) -> Link:
    if variant.model is None:
        return Link(Step.MODEL, None, "The configuration that named it is gone.")
    note = "" if variant.origin.artifact else "It was deleted since: the endpoint serves on."
    return Link(Step.MODEL, variant.model, note, sagemaker_url(environment, "models", variant.model))


def _captures(environment: Environment, endpoint: Endpoint, variant: Variant) -> Link:
    if not endpoint.capture_percent or endpoint.capture_destination is None:
        return Link(Step.CAPTURES, None, "Off: nothing is captured.")
    folder = f"{endpoint.capture_destination}/{endpoint.name}/{variant.name}/"
    return Link(Step.CAPTURES, folder, f"{endpoint.capture_percent}% of requests", s3_url(environment, folder))
