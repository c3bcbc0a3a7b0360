"""The accuracy that the model's own confidence promises, where an evaluation says how far that can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend import accuracy, drift_alarm
from backend.accuracy import Calibration, Interval, Withheld, estimate
from backend.aws.environment import Environment
from backend.drift_alarm import Evaluated
from backend.evaluation import Evaluation
from backend.monitoring import CaptureSource, project_source
from backend.quality.drifted import drifted
from backend.quality.window import Window

_UNKNOWN_MODEL = (
    "Which model answered these records is not known, so nothing says how far its confidence can be believed. Label "
    "some records."
)


def estimated(environment: Environment, source: CaptureSource, window: Window) -> Interval | Withheld:
    """The accuracy of a window without a label, and its 95 % interval; or why it is withheld.

    Raises EvaluationDamaged, DriftDamaged, CaptureUnavailable and AwsRequestError.
    """
    answering = answering_model(environment, source, window)
    if isinstance(answering, Withheld):
        return answering
    calibration = calibrated(answering, window)
    if isinstance(calibration, Withheld) or window.probabilities is None:
        return calibration if isinstance(calibration, Withheld) else Withheld(_UNKNOWN_MODEL)
    alarm = drifted(environment, source, window, answering.job)
    return estimate(
        calibration, window.probabilities, window.content, has_other=answering.other_index is not None, alarm=alarm
    )


def answering_model(environment: Environment, source: CaptureSource, window: Window) -> Evaluation | Withheld:
    """The evaluation of the model that gave all answers of a window, or why there is none."""
    streams = {name for name, _ in window.streams}
    if source.url != project_source(environment).url or streams != {environment.names.endpoint}:
        return Withheld(_UNKNOWN_MODEL)
    found = [drift_alarm.evaluated(environment, variant) for _, variant in window.streams]
    served = [evaluated for evaluated in found if evaluated is not None]
    if len(served) < len(found):
        return Withheld(_UNKNOWN_MODEL)
    if len({evaluated.job for evaluated in served}) > 1:
        return Withheld("Several models answered these records. Choose a variant.")
    return _evaluation(served, window)


def calibrated(evaluation: Evaluation, window: Window) -> Calibration | Withheld:
    """How far the confidence of the window's answers can be believed by an evaluation of the model that gave them."""
    if evaluation.labels != window.labels or window.probabilities is None:
        return Withheld("The answers have other classes than the model was evaluated with. Label some records.")
    if not evaluation.is_untouched:
        return Withheld(
            "The evaluation's images have chosen the epoch that was kept, and flatter the model. Stage images again "
            "and train on them, or label some records."
        )
    if not evaluation.known.images:
        return Withheld("The model was evaluated without an image of its known classes. Evaluate it again.")
    return Calibration.of(evaluation.known)


def expected_half_width(window: Window, labels: int) -> float:
    """Half the width of the 95 % interval that so many labels give, if the model is as often right as it is sure."""
    which = np.random.default_rng(0)  # does not matter here
    return accuracy.expected_half_width(accuracy.draw_sample(window.confidence, labels, which))


def _evaluation(served: Sequence[Evaluated], window: Window) -> Evaluation | Withheld:
    since = max(evaluated.since for evaluated in served)
    if window.first_at is None or window.first_at < since:
        return Withheld(
            f"This model answers since {since:%Y-%m-%d %H:%M:%S} UTC, and another one may have before. Choose a range "
            "from then on, or label some records."
        )
    evaluation = served[0].evaluation
    return evaluation or Withheld(
        f"The model of {served[0].job} was not evaluated. Evaluate it, or label some records."
    )
