"""The project's bucket, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from backend import staging
from backend.aws_errors import error_code
from backend.bucket import delete_prefix, list_folders, list_objects
from backend.cleanup.resource import Kind, Resource, describe_content
from backend.environment import Environment

_MODELS_PREFIX = "models/"


def _find_datasets(environment: Environment) -> Iterator[Resource]:
    if not _has_bucket(environment):
        return
    current = staging.current_dataset_id(environment)
    for prefix in list_folders(environment, staging.DATASETS_PREFIX):
        dataset_id = prefix.removeprefix(staging.DATASETS_PREFIX).rstrip("/")
        detail = _content(environment, prefix) + (", the current one" if dataset_id == current else "")
        yield Resource("dataset", dataset_id, detail)


def _delete_dataset(environment: Environment, resource: Resource) -> None:
    if _has_bucket(environment):
        staging.delete_dataset(environment, resource.name)


def _find_captures(environment: Environment) -> Iterator[Resource]:
    return _find_folder(environment, "captured inferences", _captures_prefix(environment))


def _find_artifacts(environment: Environment) -> Iterator[Resource]:
    return _find_folder(environment, "model artifacts", _MODELS_PREFIX)


def _find_other_files(environment: Environment) -> Iterator[Resource]:
    if _has_bucket(environment):
        known = {staging.DATASETS_PREFIX, _captures_prefix(environment), _MODELS_PREFIX}
        for prefix in list_folders(environment, ""):
            if prefix not in known:
                yield from _find_folder(environment, "files", prefix)


def _find_folder(environment: Environment, kind: str, prefix: str) -> Iterator[Resource]:
    if _has_bucket(environment) and next(list_objects(environment, prefix), None):
        yield Resource(kind, prefix, _content(environment, prefix))


def _delete_folder(environment: Environment, resource: Resource) -> None:
    if _has_bucket(environment):
        delete_prefix(environment, resource.name)


def _find_bucket(environment: Environment) -> Iterator[Resource]:
    if _has_bucket(environment):
        arn = f"arn:{environment.partition}:s3:::{environment.bucket}"
        yield Resource("bucket", environment.bucket, "with everything in it", arn)


def _delete_bucket(environment: Environment, resource: Resource) -> None:
    if _has_bucket(environment):
        delete_prefix(environment)
        environment.s3.delete_bucket(Bucket=resource.name)


def _has_bucket(environment: Environment) -> bool:
    """Whether the bucket exists and is this account's."""
    try:
        environment.s3.head_bucket(Bucket=environment.bucket, ExpectedBucketOwner=environment.account)
    except ClientError as error:
        if error_code(error) in {"404", "NoSuchBucket"}:
            return False
        raise
    return True


def _content(environment: Environment, prefix: str) -> str:
    return describe_content([item["Size"] for item in list_objects(environment, prefix)], "object")


def _captures_prefix(environment: Environment) -> str:
    return f"{environment.capture_prefix}/"


CONTENT_KINDS = (
    Kind("dataset", _find_datasets, _delete_dataset),
    Kind("captured inferences", _find_captures, _delete_folder),
    Kind("model artifacts", _find_artifacts, _delete_folder),
    Kind("files", _find_other_files, _delete_folder),
)
BUCKET = Kind("bucket", _find_bucket, _delete_bucket)
