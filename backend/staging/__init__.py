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
from backend.staging.describe import WITHOUT_OTHER, codec_warning, describe_other
from backend.staging.duplicates import Duplicates, Pair, read_duplicates
from backend.staging.extract import LocalArchive, OfflineSample, Source, UniversityDownload
from backend.staging.labels import FINE_LABELS, GROUP_OF, OTHER
from backend.staging.other_class import OtherOptions
from backend.staging.recipe import recipe_of
from backend.staging.stage import stage_dataset
from backend.staging.upload import Upload, stage_upload

__all__ = [
    "FINE_LABELS",
    "FOREIGN",
    "GROUP_OF",
    "OTHER",
    "PURPOSES",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "WITHOUT_OTHER",
    "Dataset",
    "Duplicates",
    "LocalArchive",
    "OfflineSample",
    "OtherClass",
    "OtherOptions",
    "Pair",
    "Source",
    "StagedImage",
    "UniversityDownload",
    "Upload",
    "codec_warning",
    "current_dataset_id",
    "delete_dataset",
    "describe_dataset",
    "describe_other",
    "list_images",
    "read_duplicates",
    "read_image",
    "recipe_of",
    "stage_dataset",
    "stage_upload",
]
