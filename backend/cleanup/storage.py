"""The project's bucket, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from backend import staging
from backend.aws.bucket import delete_prefix, list_folders, list_objects
from backend.aws.environment import Environment
from backend.aws.names import CAPTURES_PREFIX, DATASETS_PREFIX, MODELS_PREFIX
from backend.aws.ownership import has_bucket
from backend.cleanup.resource import Found, Kind, User, by_all, describe_content
from backend.progress import Progress


def _find_datasets(environment: Environment) -> Iterator[Found]:
    if not has_bucket(environment):
        return
    current = staging.current_dataset_id(environment)
    for prefix in list_folders(environment, DATASETS_PREFIX):
        dataset_id = prefix.removeprefix(DATASETS_PREFIX).rstrip("/")
        sizes = {item["Key"]: item["Size"] for item in list_objects(environment, prefix)}
        whole = "" if f"{prefix}dataset.json" in sizes else ", unfinished"
        detail = describe_content(list(sizes.values()), "object") + whole
        yield Found(dataset_id, detail + (", the current one" if dataset_id == current else ""))


def _delete_dataset(environment: Environment, name: str, _progress: Progress) -> None:
    if has_bucket(environment):
        staging.delete_dataset(environment, name)


def _is_dataset_needed(user: User, name: str) -> bool:
    return name in user.datasets


def _find_captures(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment, CAPTURES_PREFIX)


def _find_artifacts(environment: Environment) -> Iterator[Found]:
    return _find_folder(environment, MODELS_PREFIX)


def _are_artifacts_needed(user: User, _name: str) -> bool:
    return user.needs_artifacts


def _find_other_files(environment: Environment) -> Iterator[Found]:
    if has_bucket(environment):
        for prefix in list_folders(environment, ""):
            if prefix not in (DATASETS_PREFIX, CAPTURES_PREFIX, MODELS_PREFIX):
                yield from _find_folder(environment, prefix)


def _find_folder(environment: Environment, prefix: str) -> Iterator[Found]:
    if has_bucket(environment) and next(list_objects(environment, prefix), None):
        yield Found(prefix, _content(environment, prefix))


def _delete_folder(environment: Environment, name: str, _progress: Progress) -> None:
    if has_bucket(environment):
        delete_prefix(environment, name)


def _find_bucket(environment: Environment) -> Iterator[Found]:
    if has_bucket(environment):
        yield Found(environment.bucket, "with everything in it")


def _delete_bucket(environment: Environment, name: str, _progress: Progress) -> None:
    if has_bucket(environment):
        delete_prefix(environment)
        environment.s3.delete_bucket(Bucket=name)


def _content(environment: Environment, prefix: str) -> str:
    return describe_content([item["Size"] for item in list_objects(environment, prefix)], "object")


CONTENT_KINDS = (
    Kind("dataset", _find_datasets, _delete_dataset, _is_dataset_needed),
    Kind("captured inferences", _find_captures, _delete_folder),
    Kind("model artifacts", _find_artifacts, _delete_folder, _are_artifacts_needed),
    Kind("files", _find_other_files, _delete_folder),
)
BUCKET = Kind("bucket", _find_bucket, _delete_bucket, by_all)
