"""Data staging: CIFAR-100 images extracted, transformed and loaded into the bucket, and read back.

What is asked for is imported then: the process that reads a stranger's archive needs little of this package, and begins
in a third of the time without the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.staging.contents import Contents as Contents
    from backend.staging.contents import look_inside as look_inside
    from backend.staging.dataset import FOREIGN as FOREIGN
    from backend.staging.dataset import PURPOSES as PURPOSES
    from backend.staging.dataset import TEST as TEST
    from backend.staging.dataset import TRAIN as TRAIN
    from backend.staging.dataset import VALIDATION as VALIDATION
    from backend.staging.dataset import Dataset as Dataset
    from backend.staging.dataset import OtherClass as OtherClass
    from backend.staging.dataset import StagedImage as StagedImage
    from backend.staging.dataset import current_dataset_id as current_dataset_id
    from backend.staging.dataset import delete_dataset as delete_dataset
    from backend.staging.dataset import describe_dataset as describe_dataset
    from backend.staging.dataset import list_images as list_images
    from backend.staging.dataset import read_image as read_image
    from backend.staging.describe import WITHOUT_OTHER as WITHOUT_OTHER
    from backend.staging.describe import codec_warning as codec_warning
    from backend.staging.describe import describe_other as describe_other
    from backend.staging.describe import describe_reviewed as describe_reviewed
    from backend.staging.duplicates import Duplicates as Duplicates
    from backend.staging.duplicates import Pair as Pair
    from backend.staging.duplicates import read_duplicates as read_duplicates
    from backend.staging.extract import LocalArchive as LocalArchive
    from backend.staging.extract import OfflineSample as OfflineSample
    from backend.staging.extract import Source as Source
    from backend.staging.extract import UniversityDownload as UniversityDownload
    from backend.staging.labels import FINE_LABELS as FINE_LABELS
    from backend.staging.labels import GROUP_OF as GROUP_OF
    from backend.staging.labels import OTHER as OTHER
    from backend.staging.other_class import OtherOptions as OtherOptions
    from backend.staging.pixels import CHANNELS as CHANNELS
    from backend.staging.pixels import pixel_statistics as pixel_statistics
    from backend.staging.recipe import recipe_of as recipe_of
    from backend.staging.reviewed import Reviewed as Reviewed
    from backend.staging.reviewed import ReviewedPicture as ReviewedPicture
    from backend.staging.stage import stage_dataset as stage_dataset
    from backend.staging.upload import Upload as Upload
    from backend.staging.upload import stage_upload as stage_upload

_NAMES = {
    "backend.staging.contents": ("Contents", "look_inside"),
    "backend.staging.dataset": (
        "FOREIGN",
        "PURPOSES",
        "TEST",
        "TRAIN",
        "VALIDATION",
        "Dataset",
        "OtherClass",
        "StagedImage",
        "current_dataset_id",
        "delete_dataset",
        "describe_dataset",
        "list_images",
        "read_image",
    ),
    "backend.staging.describe": ("WITHOUT_OTHER", "codec_warning", "describe_other", "describe_reviewed"),
    "backend.staging.duplicates": ("Duplicates", "Pair", "read_duplicates"),
    "backend.staging.extract": ("LocalArchive", "OfflineSample", "Source", "UniversityDownload"),
    "backend.staging.labels": ("FINE_LABELS", "GROUP_OF", "OTHER"),
    "backend.staging.other_class": ("OtherOptions",),
    "backend.staging.pixels": ("CHANNELS", "pixel_statistics"),
    "backend.staging.recipe": ("recipe_of",),
    "backend.staging.reviewed": ("Reviewed", "ReviewedPicture"),
    "backend.staging.stage": ("stage_dataset",),
    "backend.staging.upload": ("Upload", "stage_upload"),
}
"""The public names, by the modules that they are in."""
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
