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
from backend.drift import Alarm, Difference
from backend.evaluation.calibration import fit_temperature, scaled
from backend.evaluation.record import Answers

FEWEST: Final = 50
"""Calibration images, and records of a window."""


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

    def confidence(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated confidence of answers, of shape (records, classes)."""
        return np.asarray(scaled(probabilities, self.temperature).max(axis=1))


@dataclass(frozen=True)
class Withheld:
    """Why no accuracy is estimated."""

    reason: str


def estimate(
    calibration: Calibration,
    probabilities: NDArray[np.float64],
    content: NDArray[np.uint64],
    *,
    has_other: bool,
    drift: Alarm | Difference | None = None,
) -> Interval | Withheld:
    """The accuracy of a window's answers, of shape (records, classes), and its 95 % interval; or why it is withheld.

    The interval counts what the calibration images leave open, and that the window's own may be harder or easier.
    `content` tells which records are of the same request, 0 where that is not known: a picture that comes again tells
    nothing new. `has_other`: the model has the class `other`. `drift` is what is on for the window's source.
    """
    if (reason := _reason(calibration, len(probabilities), drift, has_other=has_other)) is not None:
        return Withheld(reason)
    open_ = calibration.spread * math.sqrt(1 / calibration.images + 1 / _independent(content))
    return Interval.around(float(calibration.confidence(probabilities).mean()), open_)


def _reason(calibration: Calibration, records: int, drift: Alarm | Difference | None, *, has_other: bool) -> str | None:
    if not has_other:
        return (
            "A model without the class other is as sure of foreign images: a few would make the estimate wrong, and "
            "nothing would show them. Label some records, or train with that class."
        )
    if isinstance(drift, Alarm):
        return (
            f"The {drift.feature} has drifted. How sure the model is says nothing about being right on images that "
            "are not like those of its evaluation. Label some records."
        )
    if drift is not None:
        return "This traffic differs from the evaluation's images since its first record. Label some records."
    if min(calibration.images, records) < FEWEST:
        return f"An estimate needs {FEWEST} evaluated images and {FEWEST} records, or more. Choose a longer window."
    return None


def _independent(content: NDArray[np.uint64]) -> float:
    """How many different pictures would say as much as these records."""
    _, counts = np.unique(content[content != 0], return_counts=True)
    alone = int(np.count_nonzero(content == 0))
    return len(content) ** 2 / float(alone + np.square(counts).sum())
