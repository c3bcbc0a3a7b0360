"""A model's answers to the images that it was evaluated on: what every figure is calculated from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backend.staging.labels import OTHER

Split = Literal["test", "foreign", "folder"]
"""Of the dataset's own splits, and of a folder of pictures that was given."""

_ROUNDING = 1e-3
"""How far the sum of probabilities may be from 1, as FilterInference has it."""


@dataclass(frozen=True)
class EvaluatedImage:
    """An image and the model's answer to it, a probability for each label.

    `key` is its place in the bucket, None for a picture of a folder; `label_index` says what it is, None where that is
    no class of the model's; `drawn_from` what an image of no known class shows: a class of the archive, or "blank".
    """

    name: str
    split: Split
    label_index: int | None
    probabilities: tuple[float, ...]
    key: str | None = None
    drawn_from: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where the answer is none."""
        are_probabilities = all(0 <= value <= 1 + _ROUNDING for value in self.probabilities)
        if not are_probabilities or not math.isclose(sum(self.probabilities), 1, abs_tol=_ROUNDING):
            raise ValueError(f"the answer to {self.name} is not probabilities")

    @property
    def predicted_index(self) -> int:
        """The most probable class; of equal ones the first, as FilterInference takes it."""
        return self.probabilities.index(self.confidence)

    @property
    def confidence(self) -> float:
        return max(self.probabilities)


@dataclass(frozen=True)
class Evaluation:
    """A model's evaluation; `labels` are in the order of the class index, `other` last where there is that class.

    `is_untouched`: nothing of the training has seen the test split. That of datasets staged in two splits has chosen
    the kept epoch. `skipped` are files of the given folder that are no images.
    """

    job: str
    dataset_id: str
    labels: tuple[str, ...]
    is_untouched: bool
    evaluated_at: datetime
    images: tuple[EvaluatedImage, ...]
    folder: str | None = None
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where an image's answer or label fits no class."""
        count = len(self.labels)
        for image in self.images:
            if len(image.probabilities) != count or not 0 <= (image.label_index or 0) < count:
                raise ValueError(f"the answer to {image.name} or its label is of no class of this model")

    @property
    def other_index(self) -> int | None:
        """The class index of `other`, None where the model has no such class."""
        return len(self.labels) - 1 if self.labels[-1] == OTHER else None

    @property
    def known_count(self) -> int:
        """How many classes are known: all but `other`."""
        return len(self.labels) if self.other_index is None else self.other_index

    @cached_property
    def test(self) -> Answers:
        """The answers to the test split, images of `other` among them."""
        return Answers.of(image for image in self.images if image.split == "test")

    @cached_property
    def known(self) -> Answers:
        """The answers to the test images of known classes."""
        return Answers.of(image for image in self.test.images if image.label_index in range(self.known_count))


@dataclass(frozen=True)
class Answers:
    """The answers to some images, as arrays: `probabilities` of shape (n, classes), `truth` of (n,).

    The truth is a class index, -1 where an image is of no class.
    """

    images: tuple[EvaluatedImage, ...]
    probabilities: NDArray[np.float64]
    truth: NDArray[np.int64]

    @classmethod
    def of(cls, images: Iterable[EvaluatedImage]) -> Answers:
        images = tuple(images)
        truth = [-1 if image.label_index is None else image.label_index for image in images]
        probabilities = np.array([image.probabilities for image in images], np.float64)
        return cls(images, probabilities.reshape(len(images), -1 if images else 1), np.array(truth, np.int64))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each."""
        return np.asarray(np.argmax(self.probabilities, axis=1), np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """The highest probability of each."""
        return np.asarray(np.max(self.probabilities, axis=1, initial=0.0), np.float64)

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.truth, np.bool_)

    def passes(self, threshold: float, other_index: int | None) -> NDArray[np.bool_]:
        """Which the workflow passes on: those that reach the threshold, and are not answered `other`."""
        is_known = self.predicted != (-1 if other_index is None else other_index)
        return np.asarray(is_known & (self.confidence >= threshold), np.bool_)
