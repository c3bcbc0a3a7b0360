"""Putting a dataset into the bucket: only what is not there yet goes up, and it is there whole or not at all."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backend.aws.bucket import bucket_errors, delete_keys, list_folders
from backend.aws.environment import Environment
from backend.aws.names import DATASETS_PREFIX, stamp
from backend.errors import AwsRequestError
from backend.progress import Progress
from backend.staging.dataset import (
    DATASET_JSON,
    DESCRIPTION,
    DUPLICATES,
    POINTER_KEY,
    RECORD,
    Dataset,
    OtherClass,
    Pointer,
    ReviewedImages,
    dataset_prefix,
    describe_dataset,
)
from backend.staging.duplicates import LIMIT, duplicates_json
from backend.staging.leftovers import remove_leftovers
from backend.staging.record import Record, Stored, digest_of, read_record, record_json, unchanged
from backend.staging.transfer import Transfer
from backend.staging.transform import LabelledImage, content_digest
from backend.staging.uploading import Item, upload
from backend.wording import count_of

_log = logging.getLogger(__name__)

Images = Mapping[str, Sequence[LabelledImage]]
"""The images to stage, by split."""


@dataclass(frozen=True)
class Made:
    """What a staging made of its source: everything that the dataset says of itself, and its images."""

    source: str
    synthetic: bool
    labels: tuple[str, ...]
    images: Images
    other: OtherClass | None = None
    recipe: str | None = None
    reviewed: ReviewedImages | None = None


def load_dataset(environment: Environment, made: Made, progress: Progress) -> Dataset:
    """Put the images into the bucket as a dataset and make it the current one.

    The id tells the content. What the bucket has of it already is not uploaded, images that the current dataset has too
    are copied within the bucket, what is below its prefix and not part of it is deleted. When this fails, or `progress`
    raises, nothing of a new dataset stays, one that was there stays, and the current one is as before.
    Raises AwsRequestError when the bucket is missing or refuses.
    """
    digest = content_digest(made.labels, made.images)
    with bucket_errors(environment, f"stage images in bucket {environment.bucket}"):
        existing = _existing_id(environment, digest)
        described = describe_dataset(environment, existing) if existing else None
        dataset = _dataset(environment, existing or f"{stamp()}-{digest}", made)
        if described is not None:
            dataset = replace(described, recipe=made.recipe, reviewed=made.reviewed)
        _bring(environment, dataset, _items(dataset, made.images), described, progress)
        _make_current(environment, dataset)
    return dataset


def find_staged(environment: Environment, recipe: str) -> Dataset | None:
    """The dataset that was made by this recipe, made the current one; None when there is none, or it is not whole.

    Raises AwsRequestError when the bucket cannot be read.
    """
    with bucket_errors(environment, f"look for datasets in bucket {environment.bucket}"):
        for dataset_id in sorted(_dataset_ids(environment), reverse=True):
            dataset = describe_dataset(environment, dataset_id)
            if dataset is not None and dataset.recipe == recipe and _is_whole(environment, dataset):
                _make_current(environment, dataset)
                return dataset
    return None


def clear_leftovers(environment: Environment) -> None:
    """Remove what earlier stagings left; what cannot be deleted keeps nobody from staging: cleanup lists it."""
    try:
        remove_leftovers(environment)
    except AwsRequestError as error:
        _log.warning("unfinished datasets are left", exc_info=error)


def _bring(
    environment: Environment, dataset: Dataset, items: Mapping[str, Item], described: Dataset | None, progress: Progress
) -> None:
    """Make what is below the dataset's prefix what it is to be: its description, which makes it one, comes last."""
    transfer = Transfer.of(environment)
    etags = transfer.etags(dataset.prefix)
    record = read_record(environment, dataset)
    kept = _kept(record, items, etags)
    missing = [item for path, item in items.items() if path not in kept]
    if dataset == described and not missing and kept == record and set(etags) == {*items, RECORD, DESCRIPTION}:
        return
    try:
        copies = _copies(environment, dataset, transfer) if missing else {}
        uploaded = upload(transfer, dataset.prefix, missing, copies, progress)
        stored = _whole(dataset, items, {**kept, **uploaded}, transfer.etags(dataset.prefix))
        transfer.put(dataset.record_key, record_json(stored), "application/json")
        transfer.put(dataset.description_key, DATASET_JSON.dump_json(dataset), "application/json")
        strays = set(etags) - {*items, RECORD, DESCRIPTION}
        delete_keys(environment, [f"{dataset.prefix}{path}" for path in strays])
        progress(1.0, f"Staged {count_of(sum(map(dataset.size, dataset.splits)), 'image')}.")
    except BaseException as failure:  # a cancelled job too leaves nothing
        if described is None:
            _remove(environment, dataset, items, failure)
        raise


def _kept(record: Record, items: Mapping[str, Item], etags: Mapping[str, str]) -> dict[str, Stored]:
    """What is in the bucket as it is to be: by the record or, where a killed staging wrote none, by its MD5 sum."""
    same = unchanged(record, etags)
    kept = {path: stored for path, stored in same.items() if path in items and items[path].digest == stored.digest}
    for path in items.keys() & etags.keys() - record.keys():
        if items[path].has_etag(etags[path]):
            kept[path] = Stored(items[path].digest, etags[path])
    return kept


def _copies(environment: Environment, dataset: Dataset, transfer: Transfer) -> dict[str, str]:
    """The keys of the current dataset's objects by what tells their content, to be copied from."""
    current = describe_dataset(environment)
    if current is None or current.dataset_id == dataset.dataset_id:
        return {}
    record = unchanged(read_record(environment, current), transfer.etags(current.prefix))
    return {stored.digest: f"{current.prefix}{path}" for path, stored in record.items()}


def _whole(
    dataset: Dataset, items: Mapping[str, Item], stored: Mapping[str, Stored], etags: Mapping[str, str]
) -> dict[str, Stored]:
    """The record of what was stored; raises AwsRequestError when any was deleted meanwhile."""
    if missing := items.keys() - etags.keys():
        raise AwsRequestError(
            f"{count_of(len(missing), 'object')} of dataset {dataset.dataset_id} were deleted while it was staged. "
            "Stage the images again."
        )
    return {path: Stored(stored[path].digest, stored[path].etag or etags[path]) for path in items}


def _is_whole(environment: Environment, dataset: Dataset) -> bool:
    """Whether the bucket has what the dataset's record says, and nothing besides."""
    record = read_record(environment, dataset)
    etags = Transfer.of(environment).etags(dataset.prefix)
    return bool(record) and etags.keys() == {*record, RECORD, DESCRIPTION} and unchanged(record, etags) == record


def _remove(environment: Environment, dataset: Dataset, items: Mapping[str, Item], failure: BaseException) -> None:
    """Delete all that was uploaded of a dataset that did not come about."""
    paths = [*items, RECORD, DESCRIPTION]
    try:
        delete_keys(environment, [f"{dataset.prefix}{path}" for path in paths])
    except AwsRequestError as leftover:
        failure.add_note(f"{leftover} Parts of dataset {dataset.dataset_id} are left: delete them on the cleanup page.")


def _dataset(environment: Environment, dataset_id: str, made: Made) -> Dataset:
    counts = {
        split: dict(Counter(made.labels[image.label_index] for image in of_split))
        for split, of_split in made.images.items()
    }
    return Dataset(
        dataset_id=dataset_id,
        source=made.source,
        synthetic=made.synthetic,
        labels=made.labels,
        counts=counts,
        bucket=environment.bucket,
        prefix=dataset_prefix(dataset_id),
        staged_at=datetime.now(UTC),
        other=made.other,
        recipe=made.recipe,
        reviewed=made.reviewed,
    )


def _items(dataset: Dataset, images: Images) -> dict[str, Item]:
    """The objects of a dataset, but for its record and its description, by their keys without its prefix."""
    told_by = f"pairs within {LIMIT} of {dataset.dataset_id}"
    duplicates = Item(DUPLICATES, told_by, lambda: duplicates_json(images), "application/json")
    manifests = [_manifest(f"{split}.lst", of_split) for split, of_split in images.items()]
    pictures = [_picture(split, image) for split, of_split in images.items() for image in of_split]
    return {item.path: item for item in (duplicates, *manifests, *pictures)}  # what takes longest comes first


def _picture(split: str, image: LabelledImage) -> Item:
    return Item(f"{split}/{image.name}", digest_of(image.pixels.tobytes()), image.as_png, "image/png")


def _manifest(path: str, images: Sequence[LabelledImage]) -> Item:
    """The list file of SageMaker's image-classification: index, class index, path in the channel, with tabs between."""
    lines = "".join(f"{index}\t{image.label_index}\t{image.name}\n" for index, image in enumerate(images))
    return Item(path, digest_of(lines.encode()), lines.encode, "text/plain")


def _existing_id(environment: Environment, digest: str) -> str | None:
    """The id of the dataset with this content, whole or not."""
    return next((found for found in _dataset_ids(environment) if found.endswith(f"-{digest}")), None)


def _dataset_ids(environment: Environment) -> list[str]:
    folders = list_folders(environment, DATASETS_PREFIX)
    return [folder.removeprefix(DATASETS_PREFIX).rstrip("/") for folder in folders]


def _make_current(environment: Environment, dataset: Dataset) -> None:
    environment.s3.put_object(
        Bucket=environment.bucket,
        Key=POINTER_KEY,
        Body=Pointer(dataset_id=dataset.dataset_id).model_dump_json().encode(),
        ContentType="application/json",
    )
