"""What images really are: the staged dataset's labels, found by image key or by inference id."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from backend import staging, workflow
from backend.aws.environment import Environment
from backend.errors import NotFound, WorkflowNotDeployed
from backend.monitoring.captures import image_keys

_THREADS = 8


def labels_by_key(environment: Environment) -> dict[str, str]:
    """The label of each image of the current dataset, by its key in the bucket."""
    dataset = staging.describe_dataset(environment)
    if dataset is None:
        return {}
    images = (image for split in dataset.counts for image in staging.list_images(environment, dataset, split))
    return {image.key: image.label for image in images}


def keys_by_inference(environment: Environment, inference_ids: Sequence[str]) -> dict[str, str]:
    """The key of the image behind each inference, as its record names it.

    Records from before the workflow did so name none: of those it is asked of the execution, and left out where that
    is gone.
    """
    named = image_keys(environment, inference_ids)
    unnamed = [identifier for identifier in inference_ids if identifier not in named]
    names = workflow.names_by_inference(environment, unnamed)
    with ThreadPoolExecutor(_THREADS) as pool:
        keys = pool.map(lambda name: _image_key(environment, name), names.values())
        return named | {identifier: key for identifier, key in zip(names, keys, strict=True) if key}


def _image_key(environment: Environment, name: str) -> str | None:
    try:
        return workflow.describe_execution(environment, name, with_history=False).s3_key
    except (NotFound, WorkflowNotDeployed):
        return None  # deleted with its state machine, or invoked by something else
