"""Streams that drift is watched for, and captured lines of made-up traffic, for tests of what feeds the alarms."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from PIL import Image

from backend.drift import Baseline, StoredBaseline
from backend.monitoring.plain import EARLIEST
from backend.monitoring.watched import Usual, Watched
from tests.backend.drift.made_up import records
from tests.capture_lines import capture_line

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)


def watched(variant: str = "AllTraffic", endpoint: str = "scones", **changes: object) -> Watched:
    """A stream with a baseline of two classes and `other`, of 200 made-up records."""
    baseline = Baseline.of(records(200, np.random.default_rng(0)), classes=3)
    made = {
        "endpoint": endpoint,
        "variant": variant,
        "revision": "first",
        "promise": 10_000,
        "since": EARLIEST,
        "other": 2,
        "usual": Usual(StoredBaseline.of(baseline), {}, [90, 90, 20]),
        "chosen_at": BEGIN,
    }
    return Watched(**(made | changes))  # type: ignore[arg-type]


def lines(count: int, seed: int = 0, begin: datetime = BEGIN) -> Iterator[bytes]:
    """One a second, each of another picture, as the baseline's records are; the picture's features are otherwise."""
    rng = np.random.default_rng(seed)
    for number, probabilities in enumerate(rng.dirichlet([3, 3, 0.5], count)):
        yield line(probabilities, rng.integers(0, 256, (8, 8), np.uint8), begin + timedelta(seconds=number))


def line(probabilities: np.ndarray, pixels: np.ndarray, time: datetime) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    picture = {
        "observedContentType": "image/png",
        "mode": "INPUT",
        "data": base64.b64encode(content.getvalue()).decode(),
        "encoding": "BASE64",
    }
    return capture_line(probabilities.tolist(), f"{time:%Y-%m-%dT%H:%M:%S.%fZ}", captureData__endpointInput=picture)
