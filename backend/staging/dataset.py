"""Staged datasets: what they are, where they are in the bucket, and how they are read back."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.aws_errors import aws_errors, error_code
from backend.bucket import delete_keys, delete_prefix
from backend.environment import Environment
from backend.errors import DatasetNotStaged, InvalidImage

DATASETS_PREFIX = "datasets/"
POINTER_KEY = f"{DATASETS_PREFIX}current.json"
_MAX_IMAGE_BYTES = 6 << 20  # what an endpoint accepts in one request


@dataclass(frozen=True)
class Dataset:
    """A staged dataset; `labels` are in the order of their class index, `counts` is {split: {label: images}}."""

    dataset_id: str
    source: str
    synthetic: bool
    labels: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    bucket: str
    prefix: str
    staged_at: datetime

    def channels(self) -> dict[str, str]:
        """The S3 URI of each channel of SageMaker's image-classification algorithm."""
        root = f"s3://{self.bucket}/{self.prefix}"
        return {
            "train": f"{root}train/",
            "validation": f"{root}test/",
            "train_lst": f"{root}train.lst",
            "validation_lst": f"{root}test.lst",
        }

    def size(self, split: str) -> int:
        """Images in a split, "train" or "test"."""
        return sum(self.counts[split].values())

    def image_key(self, split: str, name: str) -> str:
        return f"{self.prefix}{split}/{name}"

    def manifest_key(self, split: str) -> str:
        return f"{self.prefix}{split}.lst"

    @property
    def description_key(self) -> str:
        return f"{self.prefix}dataset.json"


class Pointer(BaseModel):
    """What `datasets/current.json` says: which dataset the next steps use."""

    dataset_id: str


DATASET_JSON = TypeAdapter(Dataset)


@dataclass(frozen=True)
class StagedImage:
    """An image of a staged dataset; `key` is its place in the bucket, `name` its file name there."""

    key: str
    label: str
    label_index: int
    split: str
    name: str


def describe_dataset(environment: Environment, dataset_id: str | None = None) -> Dataset | None:
    """The dataset of this id, by default the one staged last; None when there is none.

    Raises DatasetNotStaged when its description is damaged, AwsRequestError when the bucket cannot be read.
    """
    try:
        if dataset_id is None:
            pointer = _get_object(environment, environment.bucket, POINTER_KEY)
            dataset_id = Pointer.model_validate_json(pointer).dataset_id
        key = f"{dataset_prefix(dataset_id)}dataset.json"
        return DATASET_JSON.validate_json(_get_object(environment, environment.bucket, key))
    except _ObjectMissing:
        return None
    except ValidationError as error:
        raise DatasetNotStaged("The description of the staged images is damaged. Stage the images again.") from error


def list_images(environment: Environment, dataset: Dataset, split: str) -> list[StagedImage]:
    """The images of a split, "train" or "test", in the order of its manifest.

    Raises DatasetNotStaged when the manifest is gone or damaged.
    """
    key = dataset.manifest_key(split)
    try:
        manifest = _get_object(environment, dataset.bucket, key).decode()
        return [_staged_image(dataset, split, line) for line in manifest.splitlines()]
    except (_ObjectMissing, ValueError, IndexError) as error:
        raise DatasetNotStaged(f"Manifest {key} is missing or damaged. Stage the images again.") from error


def read_image(environment: Environment, key: str, bucket: str | None = None) -> bytes:
    """The bytes of an image, as stored.

    Raises InvalidImage when they are no image or too many for an endpoint, DatasetNotStaged when there is no such key.
    """
    try:
        content = _get_object(environment, bucket or environment.bucket, key, _MAX_IMAGE_BYTES + 1)
    except _ObjectMissing as error:
        raise DatasetNotStaged(f"Image {key} is no longer in the bucket. Stage the images again.") from error
    if len(content) > _MAX_IMAGE_BYTES:
        raise InvalidImage(f"{key} is larger than {_MAX_IMAGE_BYTES >> 20} MB, the most an endpoint takes.")
    try:
        Image.open(io.BytesIO(content)).verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImage(f"{key} is no image that can be shown or classified. Choose a PNG or JPEG file.") from error
    return content


def current_dataset_id(environment: Environment) -> str | None:
    """The id of the dataset staged last, though it may be gone or damaged; None when nothing tells it."""
    try:
        pointer = _get_object(environment, environment.bucket, POINTER_KEY)
        return Pointer.model_validate_json(pointer).dataset_id
    except (_ObjectMissing, ValidationError):
        return None


def delete_dataset(environment: Environment, dataset_id: str) -> None:
    """Delete a dataset, whole or not; no dataset is current afterwards if it was the current one.

    Raises AwsRequestError naming the first object that is left.
    """
    if current_dataset_id(environment) == dataset_id:
        delete_keys(environment, [POINTER_KEY])
    delete_keys(environment, [f"{dataset_prefix(dataset_id)}dataset.json"])  # first: it is no dataset from here on
    delete_prefix(environment, dataset_prefix(dataset_id))


def dataset_prefix(dataset_id: str) -> str:
    """The key prefix of a dataset, with its slash."""
    return f"{DATASETS_PREFIX}{dataset_id}/"


class _ObjectMissing(Exception):
    """No such key, or no such bucket."""


def _get_object(environment: Environment, bucket: str, key: str, limit: int | None = None) -> bytes:
    """An object's content, or its first `limit` bytes."""
    with aws_errors(f"read s3://{bucket}/{key}"):
        try:
            response = environment.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "NoSuchBucket"}:
                raise _ObjectMissing from error
            raise
        with response["Body"] as body:
            return body.read(limit)


def _staged_image(dataset: Dataset, split: str, line: str) -> StagedImage:
    """From a line of a manifest: index, class index and name, with tabs between."""
    _index, label_index, name = line.split("\t")
    index = int(label_index)
    return StagedImage(dataset.image_key(split, name), dataset.labels[index], index, split, name)
