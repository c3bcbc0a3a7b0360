"""How far the confidence of the model that answered a window can be believed: by the evaluation of that model."""

from __future__ import annotations

from backend import deployment
from backend.accuracy import Calibration, Withheld
from backend.aws.environment import Environment
from backend.evaluation import read_evaluation
from backend.monitoring import CaptureSource, project_source
from backend.quality.window import Window


def calibrated(environment: Environment, source: CaptureSource, window: Window) -> Calibration | Withheld:
    """The calibration of the model that gave all answers of a window, or why there is none.

    Raises EvaluationDamaged, AwsRequestError.
    """
    job = _job(environment, source, window)
    if isinstance(job, Withheld):
        return job
    evaluation = read_evaluation(environment, job)
    if evaluation is None:
        return Withheld(f"The model of {job} was not evaluated. Evaluate it, or label some records.")
    if evaluation.labels != window.labels or window.probabilities is None:
        return Withheld(f"The answers have other classes than those that {job} was evaluated with. Label some records.")
    if not evaluation.is_untouched:
        return Withheld(
            f"The test images of {job} have chosen the epoch that was kept, and flatter it. Stage images again and "
            "train on them, or label some records."
        )
    if not evaluation.known.images:
        return Withheld(f"{job} was evaluated without an image of its known classes. Evaluate it again.")
    return Calibration.of(evaluation.known)


def _job(environment: Environment, source: CaptureSource, window: Window) -> str | Withheld:
    """The training job whose model gave all answers of the window."""
    endpoint = None
    if source.url == project_source(environment).url:
        endpoint = deployment.describe_endpoint(environment)
    if endpoint is None or window.first_at is None or {name for name, _ in window.streams} != {endpoint.name}:
        return Withheld(
            "Which model answered these records is not known, so nothing says how far its confidence can be believed. "
            "Label some records."
        )
    names = {name for _, name in window.streams}
    jobs = {variant.origin.training_job for variant in endpoint.variants if variant.name in names}
    if len(jobs) > 1:
        return Withheld("Several models answered these records. Choose a variant.")
    job = next(iter(jobs), None)
    if job is None:
        return Withheld("The model that answered is of no training job that is known here. Label some records.")
    if window.first_at < endpoint.modified_at:
        return Withheld(
            f"The endpoint was changed at {endpoint.modified_at:%Y-%m-%d %H:%M:%S} UTC, and another model may have "
            "answered before. Choose a range from then on, or label some records."
        )
    return job
