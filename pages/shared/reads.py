"""What pages read from the backend, kept for seconds, so that a click that changes nothing is answered at once.

Every session shares what was read. Actions and jobs that end drop all of it, through `st.cache_data.clear()`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from backend import (
    alerts,
    cleanup,
    deployment,
    drift_alarm,
    evaluation,
    monitoring,
    overview,
    quality,
    review,
    staging,
    traffic,
    training,
    workflow,
)
from backend.accuracy import Interval, Withheld
from backend.aws.environment import Environment
from backend.errors import CaptureMissing, ImageMissing, InvalidImage
from backend.ground_truth import GroundTruth
from backend.monitoring import CaptureSource, Selection, drifting, labels
from backend.monitoring.health import Comparison, compare_with_executions
from backend.staging import Dataset
from backend.staging.upright import make_showable
from backend.training import Accuracy
from backend.workflow import Filters, fan_out
from backend.workflow.inference_ids import inference_id

_SECONDS = 5
_LIVE_SECONDS = 0.4
"""For what is looked at while it runs: how many sessions do costs AWS no more."""
_BADGE_SECONDS = 15
"""For what every page shows in its margin."""
_RARELY_SECONDS = 60
"""For what takes many requests, and changes when somebody deploys: that drops it here."""
_GONE = (ImageMissing, InvalidImage, CaptureMissing)
"""What leaves a cell of a table empty; an outage or a missing permission does not: it is said."""
_THREADS = 16
_MOST_JOBS = 200
_MOST_DEPLOYABLE = 50
_MOST_QUEUES = 50
_THUMBNAIL = 120  # pixels wide: twice what a cell of a table shows

_P = ParamSpec("_P")
_T = TypeVar("_T")
_N = TypeVar("_N", str, int)
_F = TypeVar("_F", str, bytes)


def _kept(function: Callable[_P, _T], entries: int = 32, seconds: float = _SECONDS) -> Callable[_P, _T]:
    """The function, its answers kept for some seconds by its arguments; one that raises keeps nothing."""
    hashes: dict[str | type[Any], Callable[[Any], Any]] = {
        Environment: identity,
        Dataset: lambda item: item.dataset_id,
        CaptureSource: lambda source: source.url,
        Selection: repr,
        Filters: repr,
        alerts.Rule: repr,
    }
    keep = st.cache_data(ttl=seconds, max_entries=entries, show_spinner=False, hash_funcs=hashes)
    return keep(function)


def identity(environment: Environment) -> tuple[str, ...]:
    """What tells one environment from another."""
    return str(environment.settings.state_dir), environment.account, environment.region, environment.project


def _read_images(environment: Environment, keys: tuple[str, ...]) -> list[bytes]:
    """The images of these keys, fetched side by side."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda key: staging.read_image(environment, key), keys))


def _thumbnails(environment: Environment, keys: tuple[str, ...]) -> dict[str, str]:
    """Images by key, as URLs that carry them, for tables; one that cannot be read any more is left out."""
    return _by_name(keys, lambda key: _url(staging.read_image(environment, key)))


def _captured_images(
    environment: Environment, source: CaptureSource, record_ids: tuple[int, ...], width: int
) -> dict[int, bytes]:
    """Captured images by record, no wider than twice this; one that was not captured, or is gone, is left out."""

    def read(record_id: int) -> bytes | None:
        image = monitoring.capture_detail(environment, source, record_id).image
        return make_showable(image, 2 * width) if image else None

    return _by_name(record_ids, read)


def _compare_captures(environment: Environment) -> Comparison:
    """The newest executions against the captured records, now."""
    return compare_with_executions(environment, datetime.now(UTC))


@st.cache_resource(show_spinner=False, hash_funcs={Environment: identity})
def _ended_jobs(environment: Environment) -> dict[str, training.TrainingJob]:  # noqa: ARG001  what it is kept by
    """Training jobs that have ended, as they stay."""
    return {}


def _list_training_jobs(environment: Environment) -> list[training.TrainingJob]:
    """The project's training jobs, newest first; each that has ended is asked for once."""
    ended = _ended_jobs(environment)
    jobs = training.list_training_jobs(environment, _MOST_JOBS, ended)
    ended.update((job.name, job) for job in jobs if job.has_ended)
    return jobs


def _list_deployable_jobs(environment: Environment) -> list[training.TrainingJob]:
    """The newest training jobs whose model is there to deploy, newest first."""
    return deployment.deployable(environment, list_training_jobs(environment)[:_MOST_DEPLOYABLE])


@st.cache_resource(show_spinner=False, hash_funcs={Environment: identity})
def _known_accuracies(environment: Environment) -> dict[str, Accuracy]:  # noqa: ARG001  what it is kept by
    """What was read of jobs that have ended, which log nothing more; it stays when all else is read anew."""
    return {}


def _accuracies(environment: Environment, ended: tuple[str, ...]) -> dict[str, Accuracy]:
    """The validation accuracies of jobs that have ended, by name; one that never validated is left out."""
    known = _known_accuracies(environment)
    unread = [name for name in ended if name not in known]
    with ThreadPoolExecutor(_THREADS) as pool:
        for name, log in zip(unread, pool.map(partial(training.read_training_log, environment), unread), strict=True):
            if log.accuracy:
                known[name] = log.accuracy
    return {name: known[name] for name in ended if name in known}


@st.cache_resource(show_spinner=False, hash_funcs={Environment: identity})
def _ground_truth(environment: Environment) -> GroundTruth:  # noqa: ARG001  what it is kept by
    """The labels that stand in S3 by inference id: those of traffic."""
    return GroundTruth()


def _true_labels(environment: Environment, inference_ids: tuple[str, ...]) -> dict[str, str]:
    """What was written down, as ground truth, of the images behind these inferences."""
    return _ground_truth(environment).labels(environment, inference_ids)


def _labels_by_inference(environment: Environment, inference_ids: tuple[str, ...]) -> dict[str, str]:
    """What the images behind these inferences are, where that is known: from the dataset, or from ground truth."""
    written = true_labels(environment, inference_ids)
    unknown = tuple(identifier for identifier in inference_ids if identifier not in written)
    known = labels_by_key(environment)
    keys = labels.keys_by_inference(environment, unknown)
    return {name: known[key] for name, key in keys.items() if key in known} | written


def _list_review_queues(environment: Environment) -> list[review.Queue]:
    """The newest queues, newest first."""
    return review.list_queues(environment, _MOST_QUEUES)


def _labelled_candidates(environment: Environment, job: str) -> review.Counting | None:
    """The labelled records that count for the promise of a model's threshold; None where it is not evaluated."""
    shown = read_evaluation(environment, job)
    return review.labelled_candidates(environment, shown, _ground_truth(environment)) if shown else None


def _read_window(
    environment: Environment, source: CaptureSource, selection: Selection, labels: tuple[str, ...]
) -> quality.Window | None:
    """The records of a selection with what is known of each; None where there are too many."""
    return quality.read_window(environment, source, selection, labels, _ground_truth(environment))


def _estimated_accuracy(
    environment: Environment, source: CaptureSource, selection: Selection, labels: tuple[str, ...]
) -> Interval | Withheld:
    """The accuracy of these records without a label; or why it is withheld."""
    window = read_window(environment, source, selection, labels)
    if window is None:
        return Withheld("There are too many records in this range. Choose a shorter one.")
    return quality.estimated(environment, source, window)


def labels_of(environment: Environment, executions: Sequence[workflow.Execution]) -> dict[str, str]:
    """What the images are that these executions were given, by their keys, where that is known."""
    known = labels_by_key(environment)
    keys = {
        inference_id(execution.name): execution.s3_key
        for execution in executions
        if execution.s3_key is not None and execution.s3_key not in known
    }
    written = true_labels(environment, tuple(keys)) if keys else {}
    return known | {keys[identifier]: label for identifier, label in written.items()}


def _by_name(names: Sequence[_N], read: Callable[[_N], _F | None]) -> dict[_N, _F]:
    """What `read` gives for each distinct name, read side by side, without those that it gives nothing for."""

    def attempt(name: _N) -> _F | None:
        try:
            return read(name)
        except _GONE:
            return None

    distinct = list(dict.fromkeys(names))
    with ThreadPoolExecutor(_THREADS) as pool:
        return {name: found for name, found in zip(distinct, pool.map(attempt, distinct), strict=True) if found}


def _url(image: bytes) -> str:
    """Raises InvalidImage."""
    return f"data:image;base64,{base64.b64encode(make_showable(image, _THUMBNAIL)).decode()}"


describe_steps = _kept(overview.describe_steps)
describe_dataset = _kept(staging.describe_dataset)
list_images = _kept(staging.list_images)
read_duplicates = _kept(staging.read_duplicates)
read_images = _kept(_read_images, entries=100)
thumbnails = _kept(_thumbnails)
labels_by_key = _kept(labels.labels_by_key)
true_labels = _kept(_true_labels)
labels_by_inference = _kept(_labels_by_inference)
list_traffic_runs = _kept(traffic.list_runs)
read_sent_traffic = _kept(traffic.read_sent, entries=8)
list_training_jobs = _kept(_list_training_jobs)
read_ended_log = _kept(training.read_training_log, seconds=600)
accuracies = _kept(_accuracies)
list_deployable_jobs = _kept(_list_deployable_jobs)
describe_endpoint = _kept(deployment.describe_endpoint)
list_configurations = _kept(deployment.list_configurations)
read_evaluation = _kept(evaluation.read_evaluation)
describe_workflow = _kept(workflow.describe_workflow)
find_executions = _kept(workflow.find_executions)
describe_execution = _kept(workflow.describe_execution)
watch_execution = _kept(workflow.describe_execution, seconds=_LIVE_SECONDS)
list_batches = _kept(workflow.list_batches)
read_results = _kept(workflow.read_results, entries=4)
list_fan_outs = _kept(fan_out.list_fan_outs)
read_fan_out_page = _kept(fan_out.read_page)
read_inbox = _kept(workflow.read_inbox)
list_subscriptions = _kept(workflow.list_subscriptions)
capture_contents = _kept(monitoring.capture_contents)
quarantined_lines = _kept(monitoring.quarantined_lines)
summarize = _kept(monitoring.summarize, entries=16)
captured_records = _kept(monitoring.records, entries=16)
lowest_records = _kept(monitoring.lowest)
newest_records = _kept(monitoring.newest)
rejected_records = _kept(monitoring.rejected)
sampled_records = _kept(monitoring.sample)
capture_detail = _kept(monitoring.capture_detail)
captured_images = _kept(_captured_images, entries=64)
compare_captures = _kept(_compare_captures)
count_reviewed = _kept(review.count_known)
labelled_candidates = _kept(_labelled_candidates)
list_review_queues = _kept(_list_review_queues)
drift_standings = _kept(drift_alarm.standings)
drift_evidence = _kept(drifting.evidence_over_time)
evaluated = _kept(drift_alarm.evaluated, seconds=_RARELY_SECONDS)
count_class = _kept(drifting.count_class)
read_window = _kept(_read_window, entries=4)
estimated_accuracy = _kept(_estimated_accuracy)
read_samples = _kept(quality.read_samples, seconds=_LIVE_SECONDS)
list_resources = _kept(cleanup.list_resources)
read_rules = _kept(alerts.read_rules)
read_standings = _kept(alerts.read_standings)
read_alarms = _kept(alerts.read_standings, seconds=_BADGE_SECONDS)
preview_rule = _kept(alerts.preview, entries=16)
classes_of = _kept(alerts.labels_of)

_CAPTURED: tuple[Any, ...] = (
    capture_contents,
    quarantined_lines,
    summarize,
    captured_records,
    lowest_records,
    newest_records,
    rejected_records,
    sampled_records,
    compare_captures,
    read_window,
    estimated_accuracy,
    drift_standings,
    drift_evidence,
    count_class,
)


_EXECUTIONS: tuple[Any, ...] = (find_executions, describe_execution, watch_execution, list_batches, read_results)


def forget_captures() -> None:
    """Read anew what was captured: there is more of it."""
    for kept in _CAPTURED:
        kept.clear()


def forget_executions() -> None:
    """Read anew what went through the workflow: there is more of it."""
    for kept in _EXECUTIONS:
        kept.clear()
