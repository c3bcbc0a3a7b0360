"""What stagings that were killed left in the bucket: found and removed by the next one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from backend.aws.bucket import bucket_errors, list_folders, list_objects
from backend.aws.environment import Environment
from backend.aws.errors import find
from backend.aws.names import DATASETS_PREFIX
from backend.staging.dataset import DESCRIPTION, delete_dataset

_QUIET = timedelta(minutes=15)
"""Longer than boto3 tries to upload one object: a staging that added none for so long has ended."""
_DATASET_ID = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{12}")


def remove_leftovers(environment: Environment, quiet: timedelta = _QUIET) -> None:
    """Delete every dataset without a description to which nothing was added for a while; what runs is left alone.

    A staging adds objects all the time, whichever process or machine it runs in, and the description last. What goes by
    other names is somebody's own.
    Raises AwsRequestError naming the first object that is left, or when the bucket cannot be read.
    """
    with bucket_errors(environment, f"look for unfinished datasets in bucket {environment.bucket}"):
        for prefix in list(list_folders(environment, DATASETS_PREFIX)):
            dataset_id = prefix.removeprefix(DATASETS_PREFIX).rstrip("/")
            if _DATASET_ID.fullmatch(dataset_id) and _is_left(environment, prefix, quiet):
                delete_dataset(environment, dataset_id)


def _is_left(environment: Environment, prefix: str, quiet: timedelta) -> bool:
    described = find(environment.s3.head_object, Bucket=environment.bucket, Key=f"{prefix}{DESCRIPTION}")
    if described is not None:
        return False
    added = max((item["LastModified"] for item in list_objects(environment, prefix)), default=None)
    return added is not None and _now(environment) - added > quiet


def _now(environment: Environment) -> datetime:
    """The time by S3's own clock, which may differ from this machine's."""
    answer = environment.s3.head_bucket(Bucket=environment.bucket)
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
