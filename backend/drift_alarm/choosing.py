"""Choosing what a stream's records are compared with, and how many may pass between false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Final

import msgspec

from backend import deployment, evaluation
from backend.aws.environment import Environment
from backend.aws.names import stamp
from backend.deployment import Configuration
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

    Raises EvaluationDamaged and AwsRequestError.
    """
    endpoint = deployment.describe_endpoint(environment)
    served = next((of for of in endpoint.variants if of.name == variant), None) if endpoint else None
    if endpoint is None or served is None or served.model is None or served.origin.training_job is None:
        return None
    configurations = deployment.list_configurations(environment)
    names = [configuration.name for configuration in configurations]
    served_from = configurations[names.index(endpoint.endpoint_config) :] if endpoint.endpoint_config in names else []
    since = served_since(served_from, variant, served.model) or endpoint.modified_at
    job = served.origin.training_job
    return Evaluated(job, since, evaluation.read_evaluation(environment, job))


def served_since(configurations: Sequence[Configuration], variant: str, model: str) -> datetime | None:
    """Since when a variant has certainly served a model, by the endpoint's configurations, the newest first.

    What was captured under the variant's name while the endpoint went over to the model may be another one's answer. So
    where there was another one before, it is since the configuration that came next. None where no configuration tells.
    """
    having = list(takewhile(lambda of: _serves(of, variant) == model, configurations))
    was_another = len(having) < len(configurations) and _serves(configurations[len(having)], variant) is not None
    certain = having[: -1 if was_another else None]
    return certain[-1].created_at if certain else None


def _serves(configuration: Configuration, variant: str) -> str | None:
    return next((of.model for of in configuration.variants if of.name == variant), None)


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
