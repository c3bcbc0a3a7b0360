"""Capture files as SageMaker writes them, in any number: for benchmarks."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
import obstore
from obstore.store import S3Store
from PIL import Image

DAYS = 90
_LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"image/png","mode":"INPUT","data":"%s","encoding":"BASE64"},'
    '"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT","data":"[%r, %r]","encoding":"JSON"}},'
    '"eventMetadata":{"eventId":"%s","inferenceTime":"%s","inferenceId":"execution-%d"},"eventVersion":"0"}\n'
)
_PICTURES = 500
_PUT_THREADS = 16


def files(records: int, objects: int, end: datetime, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Keys and contents of so many capture files of one variant, in the order of time; the last is before `end`."""
    generator = np.random.default_rng(seed)
    pictures = [_picture(generator) for _ in range(_PICTURES)]
    confidences = 1 - 0.5 * generator.random(records) ** 3  # most are sure
    start, span = end - timedelta(days=DAYS), timedelta(days=DAYS) / objects
    for number in range(objects):
        first, behind = records * number // objects, records * (number + 1) // objects
        time = start + number * span
        lines = []
        for index in range(first, behind):
            sure = float(confidences[index])
            pair = (sure, 1 - sure) if index % 3 else (1 - sure, sure)
            at = time + (index - first) / max(1, behind - first) * min(span, timedelta(minutes=1))
            event = f"{index:032x}"
            lines.append(_LINE % (pictures[index % _PICTURES], *pair, event, f"{at:%Y-%m-%dT%H:%M:%SZ}", index))
        key = f"data_capture/scones/AllTraffic/{time:%Y/%m/%d/%H}/{time:%M-%S}-{number:08}.jsonl"
        yield key, "".join(lines).encode()


def put(bucket: S3Store, contents: Iterator[tuple[str, bytes]]) -> int:
    """Store files; returns how many bytes they have."""
    total = 0
    with ThreadPoolExecutor(_PUT_THREADS) as pool:
        while some := list(islice(contents, 32 * _PUT_THREADS)):
            total += sum(len(content) for _, content in some)
            list(pool.map(lambda file: obstore.put(bucket, *file), some))
    return total


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _picture(generator: np.random.Generator) -> str:
    """A PNG of 32 x 32 pixels that compresses as a photograph does, as base64."""
    coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), np.uint8)).resize((32, 32), Image.Resampling.BICUBIC)
    noisy = np.clip(np.asarray(coarse, np.int16) + generator.integers(-8, 9, (32, 32, 3)), 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(noisy).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
