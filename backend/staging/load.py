"""Putting a dataset into the bucket: whole, or not at all."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime

from backend.aws.bucket import bucket_errors, delete_keys, list_folders, list_objects
from backend.aws.environment import Environment
from backend.aws.names import DATASETS_PREFIX, stamp
from backend.errors import AwsRequestError
from backend.progress import Progress
from backend.staging.dataset import (
    DATASET_JSON,
    POINTER_KEY,
    Dataset,
    OtherClass,
    Pointer,
    dataset_prefix,
    describe_dataset,
)
from backend.staging.leftovers import remove_leftovers
from backend.staging.transform import LabelledImage, content_digest
from backend.wording import count_of

_UPLOAD_THREADS = 16
_log = logging.getLogger(__name__)

Images = Mapping[str, Sequence[LabelledImage]]
"""The images to stage, by split."""


def load_dataset(
    environment: Environment,
    source: str,
    synthetic: bool,
    labels: Sequence[str],
    images: Images,
    progress: Progress,
    other: OtherClass | None = None,
) -> Dataset:
    """Put the images into the bucket as a dataset and make it the current one.

    The id tells the content: images that are there already are not uploaded again. When this fails, or `progress`
    raises, nothing of the dataset stays and the current one is as before; what a killed one left goes first.
    Raises AwsRequestError when the bucket is missing or refuses.
    """
    _remove_leftovers(environment)
    digest = content_digest(labels, images)
    with bucket_errors(environment, f"stage images in bucket {environment.bucket}"):
        dataset_id = _existing_id(environment, digest) or f"{stamp()}-{digest}"
        dataset = _dataset(environment, dataset_id, source, synthetic, labels, images, other)
        staged = _staged_before(environment, dataset, images)
        if staged is None:
            _upload(environment, dataset, images, progress)
        else:
            _make_current(environment, dataset_id)
    return staged or dataset


def _remove_leftovers(environment: Environment) -> None:
    """Remove what earlier stagings left; what cannot be deleted keeps nobody from staging: cleanup lists it."""
    try:
        remove_leftovers(environment)
    except AwsRequestError as error:
        _log.warning("unfinished datasets are left", exc_info=error)


def _dataset(
    environment: Environment,
    dataset_id: str,
    source: str,
    synthetic: bool,
    labels: Sequence[str],
    images: Images,
    other: OtherClass | None,
) -> Dataset:
    counts = {
        split: dict(Counter(labels[image.label_index] for image in split_images))
        for split, split_images in images.items()
    }
    return Dataset(
        dataset_id=dataset_id,
        source=source,
        synthetic=synthetic,
        labels=tuple(labels),
        counts=counts,
        bucket=environment.bucket,
        prefix=dataset_prefix(dataset_id),
        staged_at=datetime.now(UTC),
        other=other,
    )


def _existing_id(environment: Environment, digest: str) -> str | None:
    """The id of the dataset with this content, whole or not."""
    for folder in list_folders(environment, DATASETS_PREFIX):
        dataset_id = folder.removeprefix(DATASETS_PREFIX).rstrip("/")
        if dataset_id.endswith(f"-{digest}"):
            return dataset_id
    return None


def _staged_before(environment: Environment, dataset: Dataset, images: Images) -> Dataset | None:
    """The description of this dataset when every object of it is in the bucket."""
    missing = _missing(environment, dataset, [*_content_keys(dataset, images), dataset.description_key])
    return None if missing else describe_dataset(environment, dataset.dataset_id)


def _require_whole(environment: Environment, dataset: Dataset, images: Images) -> None:
    """Raise AwsRequestError when what was uploaded was deleted meanwhile: what is described is whole."""
    if missing := _missing(environment, dataset, _content_keys(dataset, images)):
        raise AwsRequestError(
            f"{count_of(len(missing), 'object')} of dataset {dataset.dataset_id} were deleted while it was staged. "
            "Stage the images again."
        )


def _missing(environment: Environment, dataset: Dataset, keys: Sequence[str]) -> set[str]:
    return set(keys) - {item["Key"] for item in list_objects(environment, dataset.prefix)}


def _upload(environment: Environment, dataset: Dataset, images: Images, progress: Progress) -> None:
    """Upload everything of the dataset, its description last, and make it current; on failure delete it all again."""
    try:
        _upload_images(environment, dataset, images, progress)
        for split, split_images in images.items():
            _put(environment, dataset.manifest_key(split), _manifest(split_images), "text/plain")
        _require_whole(environment, dataset, images)
        _put(environment, dataset.description_key, DATASET_JSON.dump_json(dataset), "application/json")
        progress(1.0, f"Staged {_total(images):,} images.")
        _make_current(environment, dataset.dataset_id)
    except BaseException as failure:  # a cancelled job too leaves nothing
        try:
            delete_keys(environment, [*_content_keys(dataset, images), dataset.description_key])
        except AwsRequestError as leftover:
            failure.add_note(
                f"{leftover} Parts of dataset {dataset.dataset_id} are left: delete them on the cleanup page."
            )
        raise


def _upload_images(environment: Environment, dataset: Dataset, images: Images, progress: Progress) -> None:
    total = _total(images)
    with ThreadPoolExecutor(_UPLOAD_THREADS) as pool:
        uploads = [
            pool.submit(_put_image, environment, dataset.image_key(split, image.name), image)
            for split, split_images in images.items()
            for image in split_images
        ]
        try:
            for done, upload in enumerate(as_completed(uploads), start=1):
                upload.result()
                progress(done / total, f"Uploaded {done:,} of {total:,} images.")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _make_current(environment: Environment, dataset_id: str) -> None:
    _put(environment, POINTER_KEY, Pointer(dataset_id=dataset_id).model_dump_json().encode(), "application/json")


def _put_image(environment: Environment, key: str, image: LabelledImage) -> None:
    _put(environment, key, image.as_png(), "image/png")


def _put(environment: Environment, key: str, body: bytes, content_type: str) -> None:
    environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=body, ContentType=content_type)


def _manifest(images: Sequence[LabelledImage]) -> bytes:
    """The list file of SageMaker's image-classification: index, class index, path in the channel, with tabs between."""
    return "".join(f"{index}\t{image.label_index}\t{image.name}\n" for index, image in enumerate(images)).encode()


def _content_keys(dataset: Dataset, images: Images) -> list[str]:
    """Every key of the dataset but that of its description."""
    image_keys = [dataset.image_key(split, image.name) for split in images for image in images[split]]
    return [*image_keys, *(dataset.manifest_key(split) for split in images)]


def _total(images: Images) -> int:
    return sum(len(split_images) for split_images in images.values())
