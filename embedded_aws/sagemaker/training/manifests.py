"""Manifests of channels: `[{"prefix": "s3://bucket/folder/"}, "a.png", "b/c.png"]` names the objects of a channel.

Source: SageMaker API reference, S3DataSource, S3Uri.
"""

from __future__ import annotations

import json
import re
from typing import Any

from embedded_aws.sagemaker.s3_uri import S3Uri

_FORM = '[{"prefix": "s3://..."}, "key", ...]'
_PREFIX = re.compile(r"s3://[A-Za-z0-9._-]{1,255}(/.*)?", re.DOTALL)  # a bucket as botocore takes it, no access point
_MAX_KEY_BYTES = 1024  # S3 user guide, "Naming Amazon S3 objects"
_MAX_SHOWN = 80  # characters
_KINDS = {dict: "an object", list: "a list", float: "a number", bool: "true or false", type(None): "null"}


class InvalidManifest(Exception):
    """When content names no objects; the text goes on after "The manifest"."""


def read_manifest(content: bytes) -> list[tuple[S3Uri, str]]:
    """The objects that a manifest names, in its order: each one's location, and its key below the prefix.

    The content is JSON in UTF-8, or in UTF-16 or UTF-32 as JSON's own rules tell them. Raises InvalidManifest.
    """
    first, *entries = _read_list(content) or [None]
    prefix = first.get("prefix") if isinstance(first, dict) else None
    if not isinstance(prefix, str):
        raise _other_form("it does not begin with an object that has a prefix")
    if not _PREFIX.fullmatch(prefix):
        raise _other_form(f"prefix {_shown(prefix)} does not name a bucket, as s3://bucket/folder/ does")
    location = S3Uri.parse(prefix)
    return [(_located(location, entry, number), entry) for number, entry in enumerate(entries, start=1)]


def _read_list(content: bytes) -> list[Any]:
    try:
        read = json.loads(content, parse_int=float)  # Python refuses integers of many digits in words of its own
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidManifest(f"is not in UTF-8: see line {line}. Save the file in that encoding.") from error
    except ValueError as error:
        raise _other_form(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise _other_form("it is nested too deeply") from error
    if not isinstance(read, list):
        raise _other_form("it is not a list")
    return read


def _located(prefix: S3Uri, entry: object, number: int) -> S3Uri:
    if not isinstance(entry, str):
        raise _other_form(f"key {number} is {_KINDS[type(entry)]}")
    key = prefix.key + entry
    encoded = key.encode("utf-8", "surrogatepass")
    if "\0" in key or encoded.decode("utf-8", "replace") != key:
        raise _other_form(f"key {number}, {_shown(key)}, holds a character that no file's name can have")
    if len(encoded) > _MAX_KEY_BYTES:
        raise _other_form(f"key {number}, {_shown(key)}, has {len(encoded):,} bytes, and S3 takes {_MAX_KEY_BYTES:,}")
    return S3Uri(prefix.bucket, key)


def _other_form(why: str) -> InvalidManifest:
    return InvalidManifest(f"is not of the form {_FORM}: {why}.")


def _shown(text: str) -> str:
    text = repr(text)  # half a character cannot be written as it is
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
