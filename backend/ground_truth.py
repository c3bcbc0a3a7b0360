"""What images really are, as SageMaker keeps it: lines of JSON in S3, joined to captured records by inference id.

`ground-truth/yyyy/mm/dd/hh/<name>.jsonl`, by the hour in which a label became known. Source: SageMaker developer guide,
"Ingest Ground Truth labels and merge them with predictions".
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec

from backend.aws.bucket import delete_keys, list_objects, read_object, write_object
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.names import GROUND_TRUTH_PREFIX

_THREADS = 16


class _Data(msgspec.Struct):
    data: str
    encoding: str


class _Metadata(msgspec.Struct, rename="camel"):
    event_id: str


class _Line(msgspec.Struct, rename="camel"):
    ground_truth_data: _Data
    event_metadata: _Metadata
    event_version: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)


def write_labels(environment: Environment, name: str, known_at: datetime, labels: Mapping[str, str]) -> None:
    """Write labels by inference id, as an object of this name in its hour; one of the same name is replaced."""
    action = f"write the labels of {len(labels)} images"
    write_object(environment, key_of(name, known_at), lines_of(labels), "application/jsonlines", action=action)


def delete_labels(environment: Environment, name: str, known_at: datetime) -> None:
    """Take back labels that were written by this name and time; where there are none, nothing is done."""
    delete_keys(environment, [key_of(name, known_at)])


def lines_of(labels: Mapping[str, str]) -> bytes:
    """Labels by inference id as they are written."""
    lines = [_Line(_Data(label, "CSV"), _Metadata(identifier), "0") for identifier, label in labels.items()]
    return _encoder.encode_lines(lines)


def key_of(name: str, known_at: datetime) -> str:
    """Where labels of this name are that became known at this time."""
    return f"{GROUND_TRUTH_PREFIX}{known_at.astimezone(UTC):%Y/%m/%d/%H}/{name}.jsonl"


class GroundTruth:
    """The labels of a project, by inference id; what was read once is read again only where it was replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[str, tuple[str, dict[str, str]]] = {}

    def labels(self, environment: Environment, inference_ids: Collection[str]) -> dict[str, str]:
        """The labels of these inferences that are known by now; of two, the one of the later hour counts.

        Lines that are none of SageMaker's are left out. Raises AwsRequestError where it cannot be read.
        """
        with self._lock:
            self._update(environment)
            found: dict[str, str] = {}
            for _, labels in self._read.values():
                found |= {identifier: labels[identifier] for identifier in inference_ids if identifier in labels}
            return found

    def from_elsewhere(self, environment: Environment, written_by: Collection[str]) -> dict[str, str]:
        """All labels but those in objects whose names begin with one of these; as `labels`."""
        with self._lock:
            self._update(environment)
            found: dict[str, str] = {}
            for key, (_, labels) in self._read.items():
                if not key.rpartition("/")[2].startswith(tuple(written_by)):
                    found |= labels
            return found

    def _update(self, environment: Environment) -> None:
        with aws_errors("list the labels of images"):
            there = find(list, list_objects(environment, GROUND_TRUTH_PREFIX)) or []  # no bucket, no label
        tags = {item["Key"]: item["ETag"] for item in there}
        new = [key for key, tag in tags.items() if key not in self._read or self._read[key][0] != tag]
        with ThreadPoolExecutor(_THREADS) as pool:
            contents = dict(zip(new, pool.map(lambda key: read_object(environment, key), new), strict=True))
        read = {key: (tags[key], _labels(content or b"")) for key, content in contents.items()}
        self._read = {key: read.get(key) or self._read[key] for key in tags}


def _labels(content: bytes) -> dict[str, str]:
    lines = [line for line in map(_line, content.splitlines()) if line is not None]
    return {line.event_metadata.event_id: line.ground_truth_data.data for line in lines}


def _line(content: bytes) -> _Line | None:
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError:
        return None
