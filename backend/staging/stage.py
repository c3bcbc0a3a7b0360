"""Staging: from a source of images to a dataset in the bucket."""

from __future__ import annotations

from collections.abc import Sequence

from backend.aws.environment import Environment
from backend.foundation import deploy_foundation
from backend.progress import Progress, no_progress, part_of
from backend.staging.dataset import Dataset
from backend.staging.extract import Source, extract
from backend.staging.load import Images, load_dataset
from backend.staging.transform import check_labels, select_images

_EXTRACT_SHARE = 0.5  # of the progress, roughly of the time


def stage_dataset(
    environment: Environment,
    source: Source,
    labels: Sequence[str] = ("bicycle", "motorcycle"),
    progress: Progress = no_progress,
) -> Dataset:
    """Get the images of these labels into the bucket as the current dataset, in a bucket that is made if it is missing.

    The same images and labels give the same dataset, uploaded once. On failure, or when `progress` raises, nothing of
    the new dataset stays and the current one is as before.
    Raises InvalidLabels for labels the source has not, SourceUnavailable and InvalidArchive for the source,
    AwsRequestError for the bucket.
    """
    check_labels(labels, source.labels)
    deploy_foundation(environment, part_of(progress, 0.0, 0.0))
    images = _images(environment, source, labels, part_of(progress, 0.0, _EXTRACT_SHARE))
    upload_progress = part_of(progress, _EXTRACT_SHARE, 1.0)
    return load_dataset(environment, str(source), source.synthetic, labels, images, upload_progress)


def _images(environment: Environment, source: Source, labels: Sequence[str], progress: Progress) -> Images:
    batches = extract(source, labels, environment.downloads_dir, progress)
    progress(1.0, "Choosing the images.")
    return {split: select_images(batch, labels) for split, batch in batches.items()}
