"""Data staging: CIFAR-100 images extracted, transformed and loaded into the bucket, and read back."""

from backend.staging.dataset import (
    DATASETS_PREFIX,
    Dataset,
    StagedImage,
    current_dataset_id,
    delete_dataset,
    describe_dataset,
    list_images,
    read_image,
)
from backend.staging.extract import LocalArchive, OfflineSample, Source, UniversityDownload
from backend.staging.labels import FINE_LABELS
from backend.staging.stage import stage_dataset

__all__ = [
    "DATASETS_PREFIX",
    "FINE_LABELS",
    "Dataset",
    "LocalArchive",
    "OfflineSample",
    "Source",
    "StagedImage",
    "UniversityDownload",
    "current_dataset_id",
    "delete_dataset",
    "describe_dataset",
    "list_images",
    "read_image",
    "stage_dataset",
]
