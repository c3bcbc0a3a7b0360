"""Captured records to review: pictures that tell which record they are of, in a bucket of a project of their own."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from PIL import Image

from backend import monitoring, review
from backend.aws.environment import Environment
from tests.capture_lines import capture_line

BEGIN = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
EVER = monitoring.Selection(BEGIN, BEGIN + timedelta(days=1))
LABELS = ("bicycle", "motorcycle")


def picture(number: int) -> bytes:
    """A PNG of 32 x 32 pixels of which no two are the same."""
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def line(number: int, confidence: float, class_index: int = 0, **changes: Any) -> bytes:
    """The record of this number, one a second, with inference id `record-<number>`."""
    answer = [1 - confidence, 1 - confidence]
    answer[class_index] = confidence
    known = {
        "captureData__endpointInput__data": base64.b64encode(picture(number)).decode(),
        "eventMetadata__inferenceId": f"record-{number}",
        "eventMetadata__eventId": f"event-{number}",
        "eventMetadata__customAttributes": [f"uploads/{number}.png"],
    }
    time = BEGIN + timedelta(seconds=number)
    return capture_line(answer, f"{time:%Y-%m-%dT%H:%M:%SZ}", **known | changes)


def put(project: Environment, lines: Sequence[bytes], name: str = "00-00-000-a", variant: str = "AllTraffic") -> None:
    """Deliver a capture file, and read it."""
    key = f"data_capture/{project.names.endpoint}/{variant}/2026/01/02/03/{name}.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))
    monitoring.refresh_captures(project, entirely=True)


def make_queue(project: Environment, kind: review.Kind, limit: int = 100, **changes: Any) -> review.Queue:
    """A queue of the project's records, for the default kinds of pictures."""
    wish = review.Wish(kind, EVER, limit, **changes)
    return review.make_queue(project, monitoring.project_source(project), wish, LABELS, "Ada")


def truth(project: Environment) -> list[tuple[str, str]]:
    """Every line of ground truth in the bucket: event id and label."""
    found = []
    pages = project.s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix="ground-truth/")
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        content = project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()
        records = [json.loads(text) for text in content.splitlines()]
        found += [(record["eventMetadata"]["eventId"], record["groundTruthData"]["data"]) for record in records]
    return found


def opinions(project: Environment, queue: review.Queue) -> list[dict[str, Any]]:
    """What is kept of what was said, as it stands in the bucket."""
    prefix = f"review/{queue.queue_id}/opinions/"
    pages = project.s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    contents = (project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read() for key in keys)
    return [json.loads(content) for content in contents]


def label_all(desk: review.Desk, label: str = "bicycle") -> list[int]:
    """Label whatever comes, and return which pictures these were."""
    numbers = []
    while isinstance(shown := desk.shown, review.Shown):
        desk.label(shown.item.number, label)
        numbers.append(shown.item.number)
    return numbers
