"""Data staging: CIFAR-100 images extracted, transformed and loaded into the bucket, and read back."""

from backend.staging.dataset import (
    FOREIGN,
    PURPOSES,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    OtherClass,
    StagedImage,
    current_dataset_id,
    delete_dataset,
    describe_dataset,
    list_images,
    read_image,
)
from backend.staging.extract import LocalArchive, OfflineSample, Source, UniversityDownload
from backend.staging.labels import FINE_LABELS, GROUP_OF, OTHER
from backend.staging.stage import stage_dataset
from backend.staging.upload import stage_upload

__all__ = [
    "FINE_LABELS",
    "FOREIGN",
    "GROUP_OF",
    "OTHER",
    "PURPOSES",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "LocalArchive",
    "OfflineSample",
    "OtherClass",
    "Source",
    "StagedImage",
    "UniversityDownload",
    "current_dataset_id",
    "delete_dataset",
    "describe_dataset",
    "list_images",
    "read_image",
    "stage_dataset",
    "stage_upload",
]
