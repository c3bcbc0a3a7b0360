"""Staging: from a source of images to a dataset in the bucket."""

from __future__ import annotations

from collections.abc import Sequence

from backend.aws.environment import Environment
from backend.foundation import deploy_foundation
from backend.progress import Progress, no_progress, part_of
from backend.staging.compose import Composition, compose
from backend.staging.dataset import Dataset
from backend.staging.describe import WITHOUT_OTHER
from backend.staging.extract import Source, extract
from backend.staging.load import load_dataset
from backend.staging.material import read_material
from backend.staging.other_class import OtherOptions
from backend.staging.transform import check_labels

_EXTRACT_SHARE = 0.5  # of the progress, roughly of the time
_MATERIAL_SHARE = 0.1
_BY_DEFAULT = OtherOptions()


def stage_dataset(
    environment: Environment,
    source: Source,
    labels: Sequence[str] = ("bicycle", "motorcycle"),
    progress: Progress = no_progress,
    *,
    other: OtherOptions | None = _BY_DEFAULT,
) -> Dataset:
    """Get the images of these labels into the bucket as the current dataset, in a bucket that is made if it is missing.

    A class `other` is added to the labels, of the source's other classes, if it has any, and of the given material;
    with None, none is. The same images, labels and options give the same dataset, uploaded once. On failure, or when
    `progress` raises, nothing of the new dataset stays and the current one is as before.
    Raises InvalidLabels for labels the source has not, SourceUnavailable and InvalidArchive for the source or the
    material, AwsRequestError for the bucket.
    """
    check_labels(labels, source.labels)
    deploy_foundation(environment, part_of(progress, 0.0, 0.0))
    staged = _compose(environment, source, labels, part_of(progress, 0.0, _EXTRACT_SHARE), other)
    upload_progress = part_of(progress, _EXTRACT_SHARE, 1.0)
    return load_dataset(
        environment, str(source), source.synthetic, staged.labels, staged.images, upload_progress, staged.other
    )


def _compose(
    environment: Environment, source: Source, labels: Sequence[str], progress: Progress, other: OtherOptions | None
) -> Composition:
    path = other.material if other else None
    material = read_material(path, part_of(progress, 0.0, _MATERIAL_SHARE)) if path else None
    reading = part_of(progress, _MATERIAL_SHARE if path else 0.0, 1.0)
    batches = extract(source, labels, environment.downloads_dir, reading, other.images if other else 0.0)
    progress(1.0, "Choosing the images.")
    staged = compose(batches, labels, other, material)
    if other and not staged.other:
        progress(1.0, f"The source has no images of other classes. {WITHOUT_OTHER}")
    return staged
