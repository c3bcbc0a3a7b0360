"""Evaluations of made-up answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from backend.evaluation.record import EvaluatedImage, Evaluation, Split

KNOWN = ("bicycle", "motorcycle")
FIVE = ("bicycle", "bus", "motorcycle", "pickup_truck", "train")


def evaluation(labels: tuple[str, ...], images: list[EvaluatedImage], **changes: Any) -> Evaluation:
    whole: dict[str, Any] = {
        "job": "scones-20260131-093012-000000",
        "dataset_id": "20260131-090000-000000-abc",
        "labels": labels,
        "is_untouched": True,
        "evaluated_at": datetime(2026, 1, 31, 10, tzinfo=UTC),
        "images": tuple(images),
    }
    return Evaluation(**(whole | changes))


def image(
    number: int, label_index: int | None, *probabilities: float, split: Split = "test", **more: Any
) -> EvaluatedImage:
    name = f"{split}-{number}.png"
    return EvaluatedImage(name, split, label_index, probabilities, f"datasets/d/{split}/{name}", **more)


def drawn(labels: tuple[str, ...], count: int, seed: int, skill: float = 2.0) -> Evaluation:
    """A test split of random images, answered better than by chance; as float32, as models answer."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(labels), count)
    logits = rng.normal(size=(count, len(labels)))
    logits[np.arange(count), truth] += skill
    powers = np.exp(2 * logits)
    answers = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32).astype(float)
    return evaluation(
        labels, [image(number, int(truth[number]), *map(float, answers[number])) for number in range(count)]
    )
