"""Streams of records as a deployed model gives them: real images, answered and measured once, drawn again and again.

A stream is drawn as the traffic generator draws one: a class by the mix, an image of it, a foreign one by its share.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend import staging
from backend.drift import Records
from backend.errors import InvalidImage
from backend.monitoring.pictures import measure
from backend.traffic import Drift, distort, scenarios
from backend.training import TrainingOptions
from benchmarks.jobs import Probabilities, answers, load_model, read_split, run_job
from benchmarks.place import say, staged

OPTIONS = TrainingOptions(num_layers=20, epochs=30)
_SEED = 0
HELD_OUT = 150
"""Known images that a stream is drawn from, of those that no training has seen; the others are its baseline."""


@dataclass(frozen=True)
class Answered:
    """Images with what a model answered and what was measured; `truth` is a class index, -1 of no known class."""

    probabilities: Probabilities
    truth: NDArray[np.int64]
    measured: NDArray[np.float64]

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(axis=1))

    def __len__(self) -> int:
        return len(self.truth)

    def records(self, images: NDArray[np.int64], other: int | None, rng: np.random.Generator) -> Records:
        """The records of these images, one after the other, each a request of its own."""
        return Records(
            time=np.arange(len(images), dtype=np.int64),
            key=rng.integers(0, 2**64, len(images), np.uint64),
            confidence=self.confidence[images],
            class_index=self.predicted[images],
            brightness=self.measured[images, 0],
            contrast=self.measured[images, 1],
            sharpness=self.measured[images, 2],
            other=None if other is None else self.probabilities[images, other],
            content=(images + 1).astype(np.uint64),
        )


@dataclass(frozen=True)
class Model:
    """A model's answers to the same images: as they are, and as each scenario distorts them.

    The first `known` of each are the known images in one order; the others are the foreign ones.
    """

    labels: tuple[str, ...]
    other: int | None
    known: int
    plain: Answered
    distorted: Mapping[str, Answered]

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The known images in two parts: those of a baseline, and those that streams are drawn from."""
        order = rng.permutation(self.known)
        return order[HELD_OUT:], order[:HELD_OUT]

    def stream(self, drift: Drift, pool: NDArray[np.int64], length: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Which images come, each drawn anew; foreign ones from all of them."""
        weights = [drift.mix.get(label, 0.0) if drift.mix else 1.0 for label in self.labels[: len(self.classes)]]
        by_class = [pool[self.plain.truth[pool] == of] for of in self.classes]
        drawn = rng.choice(len(by_class), length, p=np.array(weights) / np.sum(weights))
        places = rng.random(length)
        images = np.array([by_class[of][int(at * len(by_class[of]))] for of, at in zip(drawn, places, strict=True)])
        foreign = rng.random(length) < drift.foreign
        images[foreign] = rng.integers(self.known, len(self.plain), int(foreign.sum()))
        return images.astype(np.int64)

    @cached_property
    def classes(self) -> list[int]:
        """The indices of the known classes."""
        return sorted(set(self.plain.truth[: self.known].tolist()))


def models(archive: Path, folder: Path) -> tuple[Model, Model]:
    """A model with the class `other` and one without, both trained for this, with their answers.

    Raises InvalidImage for a folder without images, TrainingFailed when a training does not complete.
    """
    foreign = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    if not foreign:
        raise InvalidImage(f"{folder} holds no JPEG images. Name another folder with --images.")
    with staged(archive, staging.OtherOptions()) as (environment, dataset):
        without = staging.stage_dataset(environment, staging.LocalArchive(archive), dataset.known_labels, other=None)
        images, truth = [], []
        for split in (staging.VALIDATION, staging.TEST):
            contents, labels = read_split(environment, without, split)
            images += contents
            truth += labels
        found = []
        for of, name in ((dataset, "with-other"), (without, "without")):
            model = load_model(environment, run_job(environment, of, OPTIONS, _SEED, name))
            say(f"a model {name} is trained")
            found.append(_answered(model, of, images, np.array(truth), foreign))
    taught, plain = found
    return taught, plain


def _answered(
    model: Any, dataset: staging.Dataset, images: Sequence[bytes], truth: NDArray[np.int64], foreign: Sequence[bytes]
) -> Model:
    labels = tuple(dataset.labels)
    all_truth = np.concatenate([truth, np.full(len(foreign), -1)])

    def answered(contents: Sequence[bytes]) -> Answered:
        pictures = [measure(content) for content in contents]
        measured = [[picture.brightness, picture.contrast, picture.sharpness] for picture in pictures]
        return Answered(answers(model, contents), all_truth, np.array(measured, float))

    rngs = (np.random.default_rng(number) for number in count())
    distorted = {
        name: answered([_distorted(content, drift, next(rngs)) for content in (*images, *foreign)])
        for name, drift in scenarios(dataset.known_labels).items()
        if drift.severities
    }
    other = len(labels) - 1 if dataset.has_other else None
    return Model(labels, other, len(images), answered([*images, *foreign]), distorted)


def _distorted(content: bytes, drift: Drift, rng: np.random.Generator) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        pixels = distort(np.asarray(image.convert("RGB")), drift.severities, rng)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
