"""Staged datasets: what they are, where they are in the bucket, and how they are read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.aws.bucket import delete_keys, delete_prefix, read_object
from backend.aws.environment import Environment
from backend.aws.names import DATASETS_PREFIX
from backend.errors import DatasetDamaged, ImageMissing, InvalidImage
from backend.staging.labels import OTHER
from backend.staging.pictures import check_picture

POINTER_KEY = f"{DATASETS_PREFIX}current.json"
_MAX_IMAGE_BYTES = 6 << 20  # what an endpoint accepts in one request


DESCRIPTION, RECORD, DUPLICATES = "dataset.json", "objects.json", "duplicates.json"
TRAIN, VALIDATION, TEST, FOREIGN = "train", "validation", "test", "foreign"
PURPOSES: dict[str, str] = {
    TRAIN: "The network learns from these.",
    VALIDATION: "Taken from the archive's train images: on these the epoch is chosen that is kept.",
    TEST: "Seen by nothing before the model is evaluated: what it says of accuracy and threshold holds for new images.",
    FOREIGN: "Of classes kept out whole: no training sees them, they show how many images of the unknown pass.",
}
"""What each split is for. Datasets of earlier versions have neither "validation" nor "foreign"."""


@dataclass(frozen=True)
class OtherClass:
    """What the class `other` is made of.

    `classes` were drawn from and `held_out` kept for the split "foreign"; `blank_share` of its images, from 0 to 1, are
    of nothing. `material` names the folder or tar that was given, of whose images `material_images` were taken, so many
    of them JPEG, and `material_left_out` could not be.
    """

    classes: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    blank_share: float = 0.0
    material: str | None = None
    material_images: int = 0
    material_jpegs: int = 0
    material_left_out: int = 0


@dataclass(frozen=True)
class ReviewedImages:
    """What of captured pictures that people labelled was added to the split "train".

    `counts` are by label, `jpegs` how many of all were JPEG; `left_out` counts the others by why they were not.
    """

    counts: dict[str, int]
    jpegs: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


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
    other: OtherClass | None = None
    recipe: str | None = None
    """What tells the archive, the labels and the options that it was made of, if they could be told."""
    reviewed: ReviewedImages | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """Its splits, in order."""
        return tuple(self.counts)

    @property
    def has_other(self) -> bool:
        """Whether there is a class for what is none of the known ones."""
        return OTHER in self.labels

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels without `other`."""
        return tuple(label for label in self.labels if label != OTHER)

    def channels(self) -> dict[str, str]:
        """The S3 URI of each channel of SageMaker's image-classification algorithm."""
        root = f"s3://{self.bucket}/{self.prefix}"
        validation = VALIDATION if VALIDATION in self.counts else TEST
        return {
            "train": f"{root}{TRAIN}/",
            "validation": f"{root}{validation}/",
            "train_lst": f"{root}{TRAIN}.lst",
            "validation_lst": f"{root}{validation}.lst",
        }

    def size(self, split: str) -> int:
        """Images in one of its splits."""
        return sum(self.counts[split].values())

    def image_key(self, split: str, name: str) -> str:
        return f"{self.prefix}{split}/{name}"

    def manifest_key(self, split: str) -> str:
        return f"{self.prefix}{split}.lst"

    @property
    def description_key(self) -> str:
        return f"{self.prefix}{DESCRIPTION}"

    @property
    def record_key(self) -> str:
        """What each object is, by which a later staging tells what has changed."""
        return f"{self.prefix}{RECORD}"

    @property
    def duplicates_key(self) -> str:
        """Which of the images are near-duplicates of each other."""
        return f"{self.prefix}{DUPLICATES}"


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

    @property
    def drawn_from(self) -> str | None:
        """What an image of class `other` is: a class of the archive, "blank" or "material"; None for a known one."""
        return self.name.partition(".")[0] if self.label == OTHER else None


def describe_dataset(environment: Environment, dataset_id: str | None = None) -> Dataset | None:
    """The dataset of this id, by default the one staged last; None when there is none.

    Raises DatasetDamaged when its description cannot be read, AwsRequestError when the bucket cannot.
    """
    dataset_id = dataset_id or _read_pointer(environment)
    if dataset_id is None:
        return None
    content = read_object(environment, f"{dataset_prefix(dataset_id)}{DESCRIPTION}")
    try:
        return DATASET_JSON.validate_json(content) if content is not None else None
    except ValidationError as error:
        raise DatasetDamaged("The description of the staged images is damaged. Stage the images again.") from error


def list_images(environment: Environment, dataset: Dataset, split: str) -> list[StagedImage]:
    """The images of one of the dataset's splits, in the order of its manifest.

    Raises DatasetDamaged when the manifest is gone or cannot be read.
    """
    key = dataset.manifest_key(split)
    manifest = read_object(environment, key)
    try:
        if manifest is None:
            raise ValueError("there is no manifest")
        return [_staged_image(dataset, split, line) for line in manifest.decode().splitlines()]
    except (ValueError, IndexError) as error:
        raise DatasetDamaged(f"Manifest {key} is missing or damaged. Stage the images again.") from error


def read_image(environment: Environment, key: str) -> bytes:
    """The bytes of an image, as stored.

    Raises InvalidImage when they are no image or too many for an endpoint, ImageMissing when there is no such key.
    """
    content = read_object(environment, key, _MAX_IMAGE_BYTES + 1)
    if content is None:
        raise ImageMissing(f"Image {key} is no longer in the bucket. Stage the images again.")
    if len(content) > _MAX_IMAGE_BYTES:
        raise InvalidImage(f"{key} is larger than {_MAX_IMAGE_BYTES >> 20} MB, the most an endpoint takes.")
    check_picture(key, content)
    return content


def current_dataset_id(environment: Environment) -> str | None:
    """The id of the dataset staged last, though it may be gone; None when nothing that can be read tells it."""
    try:
        return _read_pointer(environment)
    except DatasetDamaged:
        return None


def delete_dataset(environment: Environment, dataset_id: str) -> None:
    """Delete a dataset, whole or not; no dataset is current afterwards if it was the current one.

    Raises AwsRequestError naming the first object that is left.
    """
    if current_dataset_id(environment) == dataset_id:
        delete_keys(environment, [POINTER_KEY])
    delete_keys(environment, [f"{dataset_prefix(dataset_id)}{DESCRIPTION}"])  # first: it is no dataset from here on
    delete_prefix(environment, dataset_prefix(dataset_id))


def dataset_prefix(dataset_id: str) -> str:
    """The key prefix of a dataset, with its slash."""
    return f"{DATASETS_PREFIX}{dataset_id}/"


def _read_pointer(environment: Environment) -> str | None:
    pointer = read_object(environment, POINTER_KEY)
    try:
        return Pointer.model_validate_json(pointer).dataset_id if pointer is not None else None
    except ValidationError as error:
        raise DatasetDamaged(f"{POINTER_KEY} is damaged. Stage the images again.") from error


def _staged_image(dataset: Dataset, split: str, line: str) -> StagedImage:
    """From a line of a manifest: index, class index and name, with tabs between."""
    _index, label_index, name = line.split("\t")
    index = int(label_index)
    return StagedImage(dataset.image_key(split, name), dataset.labels[index], index, split, name)
