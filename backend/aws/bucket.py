"""The project's bucket: what is in it, reading, writing and deleting it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, error_code, find
from backend.errors import AwsRequestError, NotFound

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_DELETE_BATCH = 1000  # the most that S3 deletes in one request
_NOT_AS_IT_WAS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"})
"""How S3 refuses a conditional write: what is there is another version, or was changed or deleted meanwhile."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, escaped or not: one such key, and S3 refuses a DeleteObjects request whole."""


@contextmanager
def bucket_errors(environment: Environment, action: str) -> Iterator[None]:
    """As `aws_errors`, with the cure for the bucket that is not there yet."""
    with aws_errors(action):
        try:
            yield
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
            raise NotFound(
                f"Bucket {environment.bucket} does not exist. Deploy the foundation stack, which makes it, first."
            ) from error


def read_object(environment: Environment, key: str, limit: int | None = None) -> bytes | None:
    """An object's content, or its first `limit` bytes; None when there is no such key, or no bucket."""
    with aws_errors(f"read s3://{environment.bucket}/{key}"):
        response = find(environment.s3.get_object, Bucket=environment.bucket, Key=key)
        if response is None:
            return None
        with response["Body"] as body:
            return body.read(limit)


def write_object(environment: Environment, key: str, content: bytes, content_type: str, *, action: str) -> None:
    """Write an object; `action` says what was tried: "keep how far the pipeline is". Raises AwsRequestError."""
    with bucket_errors(environment, action):
        environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=content, ContentType=content_type)


def replace_object(environment: Environment, key: str, content: bytes, etag: str | None, *, action: str) -> str | None:
    """Write an object of JSON if it is as this ETag says or, for None, if there is none; returns its ETag, or None.

    Of several who try at the same moment one succeeds, on whichever machine each is. A write that was sent twice, as
    its answer was lost, has succeeded where the content is there. Raises AwsRequestError.
    Source: S3 user guide, "How to prevent object overwrites with conditional writes".
    """
    condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    with bucket_errors(environment, action):
        try:
            written = environment.s3.put_object(
                Bucket=environment.bucket, Key=key, Body=content, ContentType="application/json", **condition
            )
        except ClientError as error:
            if error_code(error) not in _NOT_AS_IT_WAS:
                raise
            found = read_version(environment, key)
            return found[1] if found is not None and found[0] == content else None
        return written["ETag"]


def read_version(environment: Environment, key: str) -> tuple[bytes, str] | None:
    """An object's content, and the ETag that tells this version; None when there is no such key, or no bucket."""
    with aws_errors(f"read s3://{environment.bucket}/{key}"):
        response = find(environment.s3.get_object, Bucket=environment.bucket, Key=key)
        if response is None:
            return None
        with response["Body"] as body:
            return body.read(), response["ETag"]


def list_objects(environment: Environment, prefix: str = "") -> Iterator[ObjectTypeDef]:
    """The objects whose key begins with the prefix, in the order of their keys; as boto3 raises."""
    pages = environment.s3.get_paginator("list_objects_v2").paginate(Bucket=environment.bucket, Prefix=prefix)
    for page in pages:
        yield from page.get("Contents", [])


def list_folders(environment: Environment, prefix: str) -> Iterator[str]:
    """The prefixes one level below a prefix, each ending in a slash; as boto3 raises."""
    pages = environment.s3.get_paginator("list_objects_v2").paginate(
        Bucket=environment.bucket, Prefix=prefix, Delimiter="/"
    )
    for page in pages:
        for folder in page.get("CommonPrefixes", []):
            yield folder["Prefix"]


def delete_prefix(environment: Environment, prefix: str = "") -> None:
    """Delete every object whose key begins with the prefix; raises AwsRequestError naming the first that is left."""
    with bucket_errors(environment, f"delete the objects below {prefix or 'the bucket'}"):
        keys = (item["Key"] for item in list_objects(environment, prefix))
        while batch := list(islice(keys, _DELETE_BATCH)):
            delete_keys(environment, batch)


def delete_keys(environment: Environment, keys: Sequence[str]) -> None:
    """Delete these objects; one that is not there is no error. Raises AwsRequestError naming the first that is left."""
    alone = [key for key in keys if _NOT_IN_XML.search(key)]
    for key in alone:
        with bucket_errors(environment, f"delete object {key!r}"):
            environment.s3.delete_object(Bucket=environment.bucket, Key=key)  # in the address a key is percent-encoded
    together = [key for key in keys if not _NOT_IN_XML.search(key)] if alone else keys
    for start in range(0, len(together), _DELETE_BATCH):
        batch = together[start : start + _DELETE_BATCH]
        with bucket_errors(environment, f"delete {len(batch)} objects"):
            response = environment.s3.delete_objects(
                Bucket=environment.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
            )
        for error in response.get("Errors", []):
            raise AwsRequestError(f"S3 did not delete {error.get('Key')}: {error.get('Message')}. Try again.")
