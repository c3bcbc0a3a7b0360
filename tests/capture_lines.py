"""Lines of capture files as SageMaker writes them.

Source: SageMaker developer guide, "Capture data from real-time endpoint", and files of a real endpoint.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

IMAGE = base64.b64decode(  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def capture_line(probabilities: Sequence[float], time: str = "2026-01-02T03:04:05Z", **changes: Any) -> bytes:
    """A record with its newline: PNG in, JSON out.

    A change names a member by its path, with two underscores for each step: `eventMetadata__inferenceId="execution-2"`.
    """
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
                "data": json.dumps(list(probabilities)),
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
