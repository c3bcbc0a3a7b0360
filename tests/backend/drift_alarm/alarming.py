"""Records that change after five minutes: the pictures get darker."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
from PIL import Image

from backend.aws.environment import Environment
from backend.evaluation import EvaluatedImage, Evaluation
from backend.monitoring import Selection
from tests.backend.monitoring.watching import BEGIN, line

STREAM = ("scones", "AllTraffic")
LABELS = ("bicycle", "motorcycle", "other")
Capture = Callable[..., None]
CHANGED = BEGIN + timedelta(seconds=300)


def darker(count: int, begin: datetime = CHANGED, seed: int = 9) -> Iterator[bytes]:
    """As `lines`, half as bright."""
    rng = np.random.default_rng(seed)
    for number, probabilities in enumerate(rng.dirichlet([3, 3, 0.5], count)):
        yield line(probabilities, rng.integers(0, 128, (8, 8), np.uint8), begin + timedelta(seconds=number))


def first(seconds: int = 200) -> Selection:
    return Selection(BEGIN, BEGIN + timedelta(seconds=seconds), *STREAM)


def evaluation(project: Environment, count: int) -> Evaluation:
    """Images in the bucket, each of its own gray, and answers to them; beside the known ones as many foreign ones."""
    rng = np.random.default_rng(4)
    images = []
    for number, probabilities in enumerate(rng.dirichlet([3, 3, 0.5], count)):
        content = io.BytesIO()
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(content, "PNG")
        key = f"datasets/d/test/{number}.png"
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=content.getvalue())
        images.append(EvaluatedImage(f"{number}.png", "test", number % 2, tuple(probabilities), key))
    for number, probabilities in enumerate(rng.dirichlet([1, 1, 4], count)):
        images.append(EvaluatedImage(f"f{number}.png", "foreign", None, tuple(probabilities), f"datasets/d/f/{number}"))
    return Evaluation("job-1", "d", LABELS, True, BEGIN, tuple(images))
