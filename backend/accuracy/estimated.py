"""What a window's accuracy probably is, without a label: mean confidence, calibrated on the evaluation.

It holds for images like those of the evaluation only, which is why it is withheld while they are known not to be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.accuracy.interval import Interval
from backend.evaluation.calibration import fit_temperature, scaled
from backend.evaluation.record import Answers

FEWEST: Final = 50
"""Calibration images, and records of a window."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What an evaluation says of a model's confidence.

    `temperature` divides the logarithms of its probabilities. `spread` is how far an answer's being right, 1 or 0, is
    from its confidence then: the root of the mean square over its `images`.
    """

    temperature: float
    spread: float
    images: int

    @classmethod
    def of(cls, answers: Answers) -> Calibration:
        """That of an evaluation's answers to images such as the traffic's; raises ValueError without any."""
        if not len(answers.truth):
            raise ValueError("a calibration needs an answer")
        fitted = fit_temperature(answers)
        temperature = fitted.value if fitted else 1.0
        differences = answers.is_right - scaled(answers.probabilities, temperature).max(axis=1)
        return cls(temperature, float(np.sqrt(np.mean(differences**2))), len(differences))

    def confidence(self, probabilities: Floats) -> Floats:
        """The calibrated confidence of answers, of shape (records, classes)."""
        return np.asarray(scaled(probabilities, self.temperature).max(axis=1))


@dataclass(frozen=True)
class Withheld:
    """Why no accuracy is shown, and what to do about it."""

    reason: str


def estimate(
    calibration: Calibration,
    probabilities: Floats,
    content: NDArray[np.uint64],
    *,
    has_other: bool,
    alarm: str | None = None,
) -> Interval | Withheld:
    """The accuracy of a window's answers, of shape (records, classes), and its 95 % interval; or why it is withheld.

    The interval counts what the calibration images leave open, and that the window's own may be harder or easier.
    `content` tells which records are of the same request, 0 where that is not known: a picture that comes again tells
    nothing new. `has_other`: the model has the class `other`. `alarm` says in a sentence which drift is on for the
    window's source.
    """
    if (reason := _reason(calibration, len(probabilities), alarm, has_other=has_other)) is not None:
        return Withheld(reason)
    open_ = calibration.spread * math.sqrt(1 / calibration.images + 1 / _independent(content))
    return Interval.around(float(calibration.confidence(probabilities).mean()), open_)


def _reason(calibration: Calibration, records: int, alarm: str | None, *, has_other: bool) -> str | None:
    if not has_other:
        return (
            "A model without the class other is as sure of foreign images: a few would make the estimate wrong, and "
            "nothing would show them. Label some records, or train with that class."
        )
    if alarm is not None:
        return (
            f"{alarm} How sure the model is says nothing about being right on images that are not like those of its "
            "evaluation. Label some records."
        )
    if calibration.images < FEWEST:
        return (
            f"The evaluation has {calibration.images} images of known classes; an estimate needs {FEWEST}. Stage more "
            "test images."
        )
    if records < FEWEST:
        return f"There are {records} records; an estimate needs {FEWEST}. Choose a longer range."
    return None


def _independent(content: NDArray[np.uint64]) -> float:
    """How many different pictures would say as much as these records."""
    _, counts = np.unique(content[content != 0], return_counts=True)
    alone = int(np.count_nonzero(content == 0))
    return len(content) ** 2 / float(alone + np.square(counts).sum())
