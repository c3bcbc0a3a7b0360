"""Data capture: each invocation as a line of JSON.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded_aws.sagemaker.s3_uri import S3Uri


@dataclass(frozen=True)
class Invocation:
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


def capture_line(invocation: Invocation, settings: CaptureSettings, now: datetime) -> bytes:
    """The record of an invocation, with its newline."""
    data = {}
    if "Input" in settings.modes:
        data["endpointInput"] = _side("INPUT", invocation.input, invocation.input_type, settings)
    if "Output" in settings.modes:
        data["endpointOutput"] = _side("OUTPUT", invocation.output, invocation.output_type, settings)
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if invocation.custom_attributes is not None:
        metadata["customAttributes"] = [invocation.custom_attributes]
    if invocation.inference_id is not None:
        metadata["inferenceId"] = invocation.inference_id
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


def now_utc() -> datetime:
    return datetime.now(UTC)
