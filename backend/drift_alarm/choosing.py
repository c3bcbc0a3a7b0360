"""Choosing what a stream's records are compared with, and how many may pass between false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from backend import deployment, evaluation
from backend.aws.environment import Environment
from backend.aws.names import stamp
from backend.drift_alarm.baselines import usual_of_evaluation, usual_of_window
from backend.errors import DriftNotWatched
from backend.evaluation import Evaluation
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.refreshing import catch_up_drift
from backend.monitoring.watched import Usual, Watched, change_watched
from backend.progress import Progress, no_progress, part_of
from backend.staging.labels import OTHER

SMALLEST_PROMISE: Final = 100
MOST_PROMISED: Final = 10_000_000
_MEASURING: Final = 0.8
"""Of the progress; the rest counts records that are there."""


@dataclass(frozen=True)
class Evaluated:
    """The evaluation of the model that a variant serves, which it has done `since`; None where it was not evaluated."""

    job: str
    since: datetime
    evaluation: Evaluation | None


def evaluated(environment: Environment, variant: str) -> Evaluated | None:
    """That of the project's own endpoint; None where that has no such variant, or nobody knows its training job.

    A variant has served its model since the first of the configurations that had it without a break. Raises
    EvaluationDamaged and AwsRequestError.
    """
    endpoint = deployment.describe_endpoint(environment)
    served = next((of for of in endpoint.variants if of.name == variant), None) if endpoint else None
    if endpoint is None or served is None or served.model is None or served.origin.training_job is None:
        return None
    since = endpoint.modified_at
    is_behind = False
    for configuration in deployment.list_configurations(environment):
        is_behind |= configuration.name == endpoint.endpoint_config
        if is_behind:
            if all((of.name, of.model) != (variant, served.model) for of in configuration.variants):
                break
            since = configuration.created_at
    job = served.origin.training_job
    return Evaluated(job, since, evaluation.read_evaluation(environment, job))


def choose_evaluation(
    environment: Environment,
    source: CaptureSource,
    stream: tuple[str, str],
    promise: int,
    progress: Progress = no_progress,
) -> None:
    """Compare a stream of the project's own endpoint with the evaluation of the model that it serves.

    Raises DriftNotWatched where there is none, BaselineTooSmall, ImageMissing and AwsRequestError.
    """
    found = evaluated(environment, stream[1])
    if found is None or found.evaluation is None:
        raise DriftNotWatched(
            f"Variant {stream[1]} serves no model that was evaluated. Evaluate it first, or choose a window."
        )
    usual = usual_of_evaluation(environment, found.evaluation, part_of(progress, 0.0, _MEASURING))
    watched = _watched(stream, promise, usual, found.since, found.evaluation.other_index)
    change_watched(environment, source, stream, lambda _: watched)
    catch_up_drift(environment, source, part_of(progress, _MEASURING, 1.0))


def choose_window(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    promise: int,
    labels: tuple[str, ...],
    progress: Progress = no_progress,
) -> None:
    """Compare what comes behind a window of a stream's records with that window; the selection names the stream.

    Raises BaselineTooSmall, CaptureUnavailable and AwsRequestError.
    """
    other = labels.index(OTHER) if OTHER in labels else None
    usual = usual_of_window(environment, source, selection, other, len(labels))
    stream = (selection.endpoint or "", selection.variant or "")
    watched = _watched(stream, promise, usual, selection.end, other)
    change_watched(environment, source, stream, lambda _: watched)
    catch_up_drift(environment, source, progress)


def change_promise(
    environment: Environment,
    source: CaptureSource,
    stream: tuple[str, str],
    promise: int,
    progress: Progress = no_progress,
) -> None:
    """Start anew with another promise: all records since the baseline are counted again.

    What was acknowledged stays so. Raises DriftNotWatched and AwsRequestError.
    """

    def changed(before: Watched | None) -> Watched:
        if before is None:
            raise DriftNotWatched(f"Variant {stream[1]} has no baseline. Choose one first.")
        return msgspec.structs.replace(before, promise=_checked(promise), revision=stamp())

    change_watched(environment, source, stream, changed)
    catch_up_drift(environment, source, progress)


def _watched(stream: tuple[str, str], promise: int, usual: Usual, since: datetime, other: int | None) -> Watched:
    return Watched(*stream, stamp(), _checked(promise), since, other, usual, datetime.now(UTC))


def _checked(promise: int) -> int:
    if not SMALLEST_PROMISE <= promise <= MOST_PROMISED:
        raise DriftNotWatched(f"Choose {SMALLEST_PROMISE:,} to {MOST_PROMISED:,} records, not {promise:,}.")
    return promise
