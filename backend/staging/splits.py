"""Which of an archive's images go into which split: seeded, so that the same archive gives the same dataset."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive
from backend.staging.cifar import CifarBatch
from backend.staging.dataset import TEST, TRAIN, VALIDATION
from backend.staging.labels import FINE_LABELS

VALIDATION_SHARE = 0.15
"""Of the archive's train images of each class."""

Batches = Mapping[str, CifarBatch]
"""The archive's two batches, "train" and "test"."""

Rows = dict[str, npt.NDArray[np.int64]]
"""Rows of a class by split: those of train and validation are rows of the batch "train"."""


def split_known(batches: Batches, labels: Sequence[str]) -> dict[str, Rows]:
    """The rows of each of these classes.

    Raises InvalidArchive when the archive has no test image or fewer than two train images of one of them.
    """
    rows = {label: split_class(batches, label) for label in labels}
    missing = [label for label in labels if not all(len(of_split) for of_split in rows[label].values())]
    if missing:
        has = ", ".join(FINE_LABELS[fine] for fine in _present(batches)) or "nothing"
        raise InvalidArchive(
            f"The archive has no images of {', '.join(missing)} in one of its splits, or but one to train with: it has "
            f"{has}."
        )
    return rows


def split_class(batches: Batches, label: str) -> Rows:
    """The rows of a class for train, validation and test, each split in a seeded order of its own."""
    fine = FINE_LABELS.index(label)
    train, test = (
        shuffled(np.flatnonzero(batches[name].fine_labels == fine), f"{label} {name}") for name in ("train", "test")
    )
    count = _validation_count(len(train))
    return {TRAIN: train[count:], VALIDATION: train[:count], TEST: test}


def other_classes(batches: Batches, labels: Sequence[str]) -> tuple[str, ...]:
    """The classes that are in both batches and not among these."""
    return tuple(FINE_LABELS[fine] for fine in _present(batches) if FINE_LABELS[fine] not in labels)


def draw_evenly(available: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many to take of each, as even as what is available allows, `wanted` in all where there are as many."""
    drawn: dict[str, int] = {}
    for place, name in enumerate(sorted(available, key=lambda name: (available[name], name))):
        share = (wanted - sum(drawn.values())) // (len(available) - place)
        drawn[name] = min(available[name], share)
    return drawn


def shuffled(values: npt.NDArray[np.int64], seed: str) -> npt.NDArray[np.int64]:
    """The values in an order that the seed gives."""
    return np.random.default_rng(zlib.crc32(seed.encode())).permutation(values)


def _validation_count(images: int) -> int:
    """One at least, where that leaves one to train with."""
    return min(max(round(VALIDATION_SHARE * images), 1), max(images - 1, 0))


def _present(batches: Batches) -> list[int]:
    """The fine labels of which both batches have images, in order."""
    return sorted(set.intersection(*(batch.present for batch in batches.values())))
