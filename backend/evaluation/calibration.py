"""Whether a confidence of 0.9 is right nine times of ten.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks": reliability diagram, expected calibration error,
temperature scaling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.evaluation.intervals import interval
from backend.evaluation.record import Answers

BINS = 10
"""Of equal width, from 0 to 1; a confidence between two bins is in the lower one."""
_TEMPERATURES = (0.05, 20.0)
_SMALLEST = 1e-12
"""A probability, so that there is a logarithm of each."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Temperature:
    """What the logarithms of probabilities are divided by, and the mean negative log likelihood without and with it."""

    value: float
    loss_before: float
    loss_after: float


def reliability(answers: Answers) -> pd.DataFrame:
    """Of each bin with an answer in it: low, high, images, confidence (mean), accuracy, and its 95 % interval."""
    return reliability_of(answers.confidence, answers.is_right)


def reliability_of(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> pd.DataFrame:
    """The same of answers of which no more is known."""
    edges = np.linspace(0, 1, BINS + 1)
    frame = pd.DataFrame({"bin": np.searchsorted(edges[1:-1], confidence), "confidence": confidence, "right": is_right})
    bins = frame.groupby("bin").agg(
        images=("right", "size"), right=("right", "sum"), confidence=("confidence", "mean"), accuracy=("right", "mean")
    )
    bounds = [interval(int(right), int(images)) for right, images in zip(bins["right"], bins["images"], strict=True)]
    places = bins.index.to_numpy()
    return bins.assign(
        low=edges[places],
        high=edges[places + 1],
        accuracy_low=[low for low, _ in bounds],
        accuracy_high=[high for _, high in bounds],
    ).reset_index(drop=True)


def calibration_error(answers: Answers) -> float | None:
    """The expected calibration error: accuracy's distance from confidence in each bin, averaged over the answers."""
    return error_of(reliability(answers))


def error_of(bins: pd.DataFrame) -> float | None:
    """The same of the bins that `reliability` makes; None where there is none."""
    if bins.empty:
        return None
    distances = (bins["accuracy"] - bins["confidence"]).abs()
    return float((distances * bins["images"]).sum() / bins["images"].sum())


def calibration_error_at(answers: Answers, temperature: float) -> float | None:
    """What the expected calibration error would be at another temperature."""
    return calibration_error(replace(answers, probabilities=scaled(answers.probabilities, temperature)))


def fit_temperature(answers: Answers) -> Temperature | None:
    """The temperature that makes the true classes most likely; None where none between 0.05 and 20 does.

    There is none where no answer, or almost every one, is wrong: the lower, or higher, the better it would seem. The
    likelihood is concave in 1 / temperature, so that its derivative has one root at most.
    """
    from scipy.optimize import brentq  # imported late: half a second that most pages need not wait

    low, high = (1 / bound for bound in reversed(_TEMPERATURES))
    logs, truth = _logs(answers.probabilities), answers.truth
    if not len(truth) or _slope(low, logs, truth) >= 0 or _slope(high, logs, truth) <= 0:
        return None
    value = 1 / float(brentq(_slope, low, high, args=(logs, truth), xtol=1e-9))
    after = scaled(answers.probabilities, value)
    return Temperature(value, _loss(answers.probabilities, truth), _loss(after, truth))


def scaled(probabilities: Probabilities, temperature: float) -> Probabilities:
    """The probabilities at another temperature: above 1 they are less sure, in the same order."""
    return _powered(_logs(probabilities), 1 / temperature)


def _powered(logs: Probabilities, exponent: float) -> Probabilities:
    powers = np.exp(exponent * (logs - logs.max(axis=1, keepdims=True)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _slope(exponent: float, logs: Probabilities, truth: NDArray[np.int64]) -> float:
    """The derivative of the mean negative log likelihood by 1 / temperature; it never falls."""
    expected = (_powered(logs, exponent) * logs).sum(axis=1)
    return float(np.mean(expected - logs[np.arange(len(truth)), truth]))


def _loss(probabilities: Probabilities, truth: NDArray[np.int64]) -> float:
    return float(-np.mean(_logs(probabilities)[np.arange(len(truth)), truth]))


def _logs(probabilities: Probabilities) -> Probabilities:
    return np.log(np.maximum(probabilities, _SMALLEST))
