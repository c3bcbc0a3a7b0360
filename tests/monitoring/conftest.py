"""Capture files in a bucket of an environment of their own project, on the embedded AWS that all tests share."""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.environment import Environment

IMAGE = b"\x89PNG\r\n\x1a\n pixels"
_numbers = itertools.count(1)


@pytest.fixture
def captures(environment: Environment, tmp_path: Path) -> Environment:
    """The environment with an empty bucket and an empty cache."""
    settings = environment.settings.model_copy(update={"project": f"captures-{next(_numbers)}", "state_dir": tmp_path})
    own = replace(environment, settings=settings, close=lambda: None)
    own.s3.create_bucket(Bucket=own.bucket)
    return own


def line(probabilities: list[float], time: str = "2026-01-02T03:04:05Z", **changes: Any) -> bytes:
    """A record as SageMaker writes it: PNG in, JSON out."""
    record: dict[str, Any] = {
        "captureData": {
            "endpointInput": {
                "observedContentType": "image/png",
                "mode": "INPUT",
                "data": base64.b64encode(IMAGE).decode(),
                "encoding": "BASE64",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": json.dumps(probabilities),
                "encoding": "JSON",
            },
        },
        "eventMetadata": {"eventId": str(uuid.uuid4()), "inferenceTime": time, "inferenceId": "execution-1"},
        "eventVersion": "0",
    }
    for path, value in changes.items():
        *parents, name = path.split("__")
        target = record
        for parent in parents:
            target = target[parent]
        target[name] = value
    return json.dumps(record).encode() + b"\n"


@pytest.fixture
def put(captures: Environment) -> Callable[..., str]:
    """Put a capture file into the bucket; returns its key."""

    def put_file(content: bytes, name: str = "04-05-000-a", hour: str = "2026/01/02/03") -> str:
        key = f"{captures.capture_prefix}/scones/AllTraffic/{hour}/{name}.jsonl"
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=content)
        return key

    return put_file
