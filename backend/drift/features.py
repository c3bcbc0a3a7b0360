"""The features of a record in which drift is looked for, as columns of numbers no two of which are equal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.drift.records import Floats, Records

MOST_CLASSES: Final = 10
"""Classes whose shares are followed, the most frequent ones of a baseline: each costs as much as a feature."""
_JITTER: Final = 1e-9
"""Far below what any of these numbers means: it puts equal ones in a random order."""


class Feature(StrEnum):
    """What may drift."""

    CONFIDENCE = "confidence"
    CLASS = "class"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    SHARPNESS = "sharpness"
    OTHER = "probability of other"


@dataclass(frozen=True)
class Column:
    """A feature, or one class's part in it: 1 for a record that was answered so, else 0."""

    feature: Feature
    class_index: int | None = None

    @property
    def has_tails(self) -> bool:
        """Whether extreme values are told from the others: whether a class was answered has none."""
        return self.feature is not Feature.CLASS


def columns_of(records: Records, classes: int) -> list[Column]:
    """What is followed of records like these: every feature that they have, and each class's share.

    Of two classes one is enough, as the other one's share is the rest.
    """
    answered = np.bincount(records.class_index, minlength=classes)[:classes]
    frequent = np.argsort(-answered, kind="stable")[: 1 if classes == 2 else MOST_CLASSES]
    columns = [Column(Feature.CONFIDENCE), *(Column(Feature.CLASS, int(of)) for of in sorted(frequent))]
    columns += [Column(Feature.BRIGHTNESS), Column(Feature.CONTRAST), Column(Feature.SHARPNESS)]
    return columns if records.other is None else [*columns, Column(Feature.OTHER)]


def values(records: Records, columns: list[Column]) -> Floats:
    """The columns' values of shape (records, columns), NaN where a record has none; no two are equal but by a chance.

    With equal ones in a random order, ranks are as uniform as those of a continuous quantity (Vovk et al., "Algorithmic
    Learning in a Random World", section 2.2, smoothed conformal predictors).
    """
    found = np.empty((len(records), len(columns)))
    for place, column in enumerate(columns):
        scale = 1.0 if column.feature is Feature.CLASS else _JITTER
        found[:, place] = _values(records, column) + scale * uniform(records.key, 2 * place)
    return found


def chances(records: Records, columns: list[Column]) -> Floats:
    """A number from 0 up to 1 for each value, which has nothing to do with it; shape (records, columns)."""
    return np.stack([uniform(records.key, 2 * place + 1) for place in range(len(columns))], axis=1)


def uniform(keys: NDArray[np.uint64], salt: int) -> Floats:
    """A number from 0 up to 1 for each key, another one for each salt: SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = keys + np.uint64((salt + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53)


def _values(records: Records, column: Column) -> Floats:
    match column.feature:
        case Feature.CONFIDENCE:
            return records.confidence
        case Feature.CLASS:
            return np.asarray(records.class_index == column.class_index, np.float64)
        case Feature.BRIGHTNESS:
            return records.brightness
        case Feature.CONTRAST:
            return records.contrast
        case Feature.SHARPNESS:
            return np.log1p(records.sharpness)
        case Feature.OTHER:
            return np.full(len(records), np.nan) if records.other is None else records.other
