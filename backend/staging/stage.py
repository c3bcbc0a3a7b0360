"""Staging: from a source of images to a dataset in the bucket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.aws.environment import Environment
from backend.foundation import deploy_foundation
from backend.progress import Progress, no_progress, part_of
from backend.staging.compose import Composition, compose
from backend.staging.dataset import Dataset
from backend.staging.describe import WITHOUT_OTHER
from backend.staging.extract import Source, get_archive, read_source
from backend.staging.load import Made, clear_leftovers, find_staged, load_dataset
from backend.staging.material import read_material
from backend.staging.other_class import OtherOptions
from backend.staging.recipe import recipe_of
from backend.staging.reviewed import Reviewed, add_reviewed
from backend.staging.transform import check_labels

_GETTING, _READING = 0.4, 0.5  # of the progress, where each has ended: roughly of the time
_BY_DEFAULT = OtherOptions()


def stage_dataset(
    environment: Environment,
    source: Source,
    labels: Sequence[str] = ("bicycle", "motorcycle"),
    progress: Progress = no_progress,
    *,
    other: OtherOptions | None = _BY_DEFAULT,
    reviewed: Reviewed = tuple,
) -> Dataset:
    """Get the images of these labels into the bucket as the current dataset, in a bucket that is made if it is missing.

    A class `other` is added to the labels, of the source's other classes, if it has any, and of the given material;
    with None, none is. What `reviewed` reads is added to the train images. The same images, labels and options give the
    same dataset, uploaded once; where the very same archive was staged so before, it is not even read. On failure, or
    when `progress` raises, nothing of a new dataset stays and the current one is as before.
    Raises InvalidLabels for labels the source has not, SourceUnavailable and InvalidArchive for the source or the
    material, AwsRequestError for the bucket.
    """
    check_labels(labels, source.labels)
    deploy_foundation(environment, part_of(progress, 0.0, 0.0))
    clear_leftovers(environment)
    getting = part_of(progress, 0.0, _GETTING)
    archive = get_archive(source, labels, environment.downloads_dir, getting, other.images if other else 0.0)
    pictures = reviewed()
    recipe = recipe_of(archive, labels, other, pictures)
    if recipe and (staged := find_staged(environment, recipe)):
        progress(1.0, "These images are staged already, from the same archive.")
        return staged
    made = _compose(source, archive, labels, part_of(progress, _GETTING, _READING), other)
    images, added = add_reviewed(made.labels, made.images, pictures)
    whole = Made(str(source), source.synthetic, made.labels, images, made.other, recipe, added)
    return load_dataset(environment, whole, part_of(progress, _READING, 1.0))


def _compose(
    source: Source, archive: Path, labels: Sequence[str], progress: Progress, other: OtherOptions | None
) -> Composition:
    path = other.material if other else None
    material = read_material(path, part_of(progress, 0.0, 0.5)) if path else None
    needed = () if other else labels  # of all classes, `other` is made
    batches = read_source(source, archive, part_of(progress, 0.5 if path else 0.0, 1.0), needed)
    progress(1.0, "Choosing the images.")
    made = compose(batches, labels, other, material)
    if other and not made.other:
        progress(1.0, f"The source has no images of other classes. {WITHOUT_OTHER}")
    return made
