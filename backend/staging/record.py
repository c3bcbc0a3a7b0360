"""What the objects of a dataset are: kept beside them, to tell without reading them which have changed since.

An ETag is an object's MD5 sum only without encryption by KMS, so none is calculated: the one that S3 gave is kept, and
an object is what it was as long as S3 lists it with the same. `aws s3 sync` compares sizes and times for that, which
another picture of the same size passes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from backend.aws.bucket import read_object
from backend.aws.environment import Environment
from backend.staging.dataset import Dataset


class Stored(NamedTuple):
    """An object that was put into the bucket: what tells its content, and the ETag that S3 gave it."""

    digest: str
    etag: str


Record = Mapping[str, Stored]
"""The objects of a dataset by their keys without its prefix."""

_JSON = TypeAdapter(dict[str, Stored])


def digest_of(content: bytes) -> str:
    """What tells one content from another, as 32 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def read_record(environment: Environment, dataset: Dataset) -> Record:
    """The record of a dataset; empty where there is none: an earlier version staged it, or it is damaged."""
    content = read_object(environment, dataset.record_key)
    try:
        return _JSON.validate_json(content) if content is not None else {}
    except ValidationError:
        return {}


def record_json(record: Record) -> bytes:
    return _JSON.dump_json(dict(record))


def unchanged(record: Record, etags: Mapping[str, str]) -> Record:
    """What of a record is in the bucket as it was, by the ETags that it lists now."""
    return {path: stored for path, stored in record.items() if etags.get(path) == stored.etag}
