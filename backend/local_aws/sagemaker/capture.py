"""Data capture: each inference as a line of JSON, on disk before it is answered, then in S3.

Captured files are spooled below a folder at the path they will have in S3, `<bucket>/<key>`, with `.open` behind it
while they are written to. So a repeated upload after a crash replaces the same object: every record arrives once.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from backend.local_aws.sagemaker.s3_uri import S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)
_OPEN = ".open"
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Inference:
    """One request and its answer, as they went over the wire."""

    endpoint: str
    variant: str
    input: bytes
    input_type: str
    output: bytes
    output_type: str
    inference_id: str | None = None
    custom_attributes: str | None = None


@dataclass(frozen=True)
class CaptureSettings:
    """An endpoint configuration's DataCaptureConfig."""

    destination: S3Uri
    percentage: int
    modes: frozenset[str]
    csv_types: frozenset[str]
    json_types: frozenset[str]

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> CaptureSettings | None:
        """None when nothing is captured."""
        if not config or not config.get("EnableCapture", True):
            return None
        header = config.get("CaptureContentTypeHeader", {})
        modes = {mode for option in config["CaptureOptions"] for mode in _modes(option["CaptureMode"])}
        return cls(
            destination=S3Uri.parse(config["DestinationS3Uri"]),
            percentage=config["InitialSamplingPercentage"],
            modes=frozenset(modes),
            csv_types=frozenset(header.get("CsvContentTypes", [])),
            json_types=frozenset(header.get("JsonContentTypes", [])),
        )

    def is_sampled(self) -> bool:
        return random.random() * 100 < self.percentage  # noqa: S311  sampling, not security


def _modes(mode: str) -> tuple[str, ...]:
    return ("Input", "Output") if mode == "InputAndOutput" else (mode,)


def capture_line(inference: Inference, settings: CaptureSettings, now: datetime) -> bytes:
    """The record of an inference, with its newline."""
    data = {}
    if "Input" in settings.modes:
        data["endpointInput"] = _side("INPUT", inference.input, inference.input_type, settings)
    if "Output" in settings.modes:
        data["endpointOutput"] = _side("OUTPUT", inference.output, inference.output_type, settings)
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if inference.custom_attributes is not None:
        metadata["customAttributes"] = [inference.custom_attributes]
    if inference.inference_id is not None:
        metadata["inferenceId"] = inference.inference_id
    metadata["inferenceTime"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    record = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _side(mode: str, content: bytes, content_type: str, settings: CaptureSettings) -> dict[str, str]:
    encoding = _encoding(content_type, settings)
    data = base64.b64encode(content).decode() if encoding == "BASE64" else content.decode("utf-8", errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoding(content_type: str, settings: CaptureSettings) -> str:
    """Text only for the content types that the configuration names; their parameters do not matter."""
    bare = content_type.partition(";")[0].strip()
    if bare in settings.json_types:
        return "JSON"
    return "CSV" if bare in settings.csv_types else "BASE64"


@dataclass
class _OpenFile:
    path: Path
    descriptor: int
    opened_at: datetime
    size: int = 0


class CaptureSpool:
    """The captured files that are not in S3 yet. `append` and `roll` belong to one thread, `upload` to another."""

    def __init__(self, folder: Path, max_age_seconds: float) -> None:
        self._folder = folder
        self._max_age_seconds = max_age_seconds
        self._open: dict[tuple[str, str, str], _OpenFile] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.rglob(f"*{_OPEN}"):
            _close_left_open(left)

    def append(self, inference: Inference, settings: CaptureSettings, now: datetime) -> None:
        """Write an inference's record; it survives the end of this process when this returns."""
        line = capture_line(inference, settings, now)
        key = (str(settings.destination), inference.endpoint, inference.variant)
        if key not in self._open:
            self._open[key] = self._create(inference, settings, now)
        file = self._open[key]
        os.write(file.descriptor, line)
        file.size += len(line)
        if file.size > _MAX_BYTES:
            self._close(key)

    def roll(self, now: datetime | None = None) -> None:
        """Close the files that are old enough to be uploaded; without a time, all of them."""
        for key, file in list(self._open.items()):
            if now is None or (now - file.opened_at).total_seconds() >= self._max_age_seconds:
                self._close(key)

    def upload(self, s3: S3Client) -> None:
        """Bring the closed files to S3; one that S3 does not take stays for the next time."""
        for path in sorted(self._folder.rglob("*.jsonl")):
            bucket, *parts = path.relative_to(self._folder).parts
            try:
                s3.upload_file(str(path), bucket, "/".join(parts))
            except (Boto3Error, BotoCoreError, ClientError) as error:
                _log.warning("captured records have to wait in %s: %s", path, error)
                continue
            path.unlink()

    def _create(self, inference: Inference, settings: CaptureSettings, now: datetime) -> _OpenFile:
        """A file named by the time of its first record, in UTC."""
        hour = f"{inference.endpoint}/{inference.variant}/{now:%Y/%m/%d/%H}"
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl{_OPEN}"
        place = settings.destination.below(f"{hour}/{name}")
        path = self._folder / place.bucket / place.key
        path.parent.mkdir(parents=True, exist_ok=True)
        return _OpenFile(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), now)

    def _close(self, key: tuple[str, str, str]) -> None:
        file = self._open.pop(key)
        os.close(file.descriptor)
        file.path.rename(file.path.with_suffix(""))


def _close_left_open(path: Path) -> None:
    """Close a file that a crash left open: a last line without its end was never answered."""
    content = path.read_bytes()
    os.truncate(path, content.rfind(b"\n") + 1)
    if path.stat().st_size:
        path.rename(path.with_suffix(""))
    else:
        path.unlink()


def now_utc() -> datetime:
    return datetime.now(UTC)
