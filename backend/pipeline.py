"""The whole way, from images to captured confidences, as one call: what the pages do step by step."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from backend import monitoring, staging, workflow
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.deployment import DeploymentOptions, deploy_model, wait_for_endpoint
from backend.errors import CaptureUnavailable, StillWaiting
from backend.progress import Progress, no_progress
from backend.training import TrainingOptions, read_training_log, start_training, wait_for_training

_CAPTURE_TIMEOUT_SECONDS = 900  # AWS delivers captured records within minutes


@dataclass(frozen=True)
class PipelineOptions:
    """What a run of the whole pipeline takes."""

    source: staging.Source
    labels: tuple[str, ...] = ("bicycle", "motorcycle")
    other: staging.OtherOptions | None = field(default_factory=staging.OtherOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    deployment: DeploymentOptions = field(default_factory=DeploymentOptions)
    threshold: float = workflow.DEFAULT_THRESHOLD


def run_pipeline(
    environment: Environment, options: PipelineOptions, progress: Progress = no_progress
) -> dict[str, Any]:
    """Stage, train, deploy, submit every test image, and read what the endpoint captured.

    Returns the figures by name, ready for JSON; `seconds` holds the time of each step.
    """
    clock = _Clock()
    with clock.step("staging"):
        dataset = staging.stage_dataset(environment, options.source, options.labels, progress, other=options.other)
    with clock.step("training"):
        job = start_training(environment, dataset, options.training)
        wait_for_training(environment, job, progress)
    with clock.step("deployment"):
        config = deploy_model(environment, job, options.deployment)
        endpoint = wait_for_endpoint(environment, progress, config=config)
    with clock.step("workflow"):
        workflow.deploy_workflow(environment, endpoint.name, dataset.labels, options.threshold, progress)
    images = staging.list_images(environment, dataset, "test")
    with clock.step("test_images"):
        executions = workflow.run_batch(environment, [image.key for image in images], progress)
    with clock.step("captures"):
        classified = [execution.name for execution in executions if execution.verdict is not None]
        records = wait_for_captures(environment, classified, progress)
    return {
        "environment": environment.settings.environment,
        "source": dataset.source,
        "synthetic": dataset.synthetic,
        "labels": list(dataset.labels),
        "other": staging.describe_other(dataset),
        **{f"{split}_images": dataset.size(split) for split in dataset.splits},
        "training_job": job,
        **_training_figures(environment, job),
        **_execution_figures(executions),
        **_capture_figures(records, executions, images, dataset.labels, options.threshold),
        **_other_figures(dataset, executions, images),
        "seconds": clock.seconds,
    }


def wait_for_captures(
    environment: Environment, inference_ids: Sequence[str], progress: Progress = no_progress
) -> list[dict[str, Any]]:
    """The captured records of these inferences, once all of them are there.

    Raises CaptureUnavailable when some are missing after 15 minutes.
    """
    wanted = set(inference_ids)
    try:
        for _ in attempts("Delivering the captured records", _CAPTURE_TIMEOUT_SECONDS):
            monitoring.refresh_captures(environment)
            found = monitoring.by_inference(environment, wanted)
            missing = len(wanted) - found["inference_id"].nunique()
            if not missing:
                break
            progress(1 - missing / len(wanted), f"Waiting for {missing} captured records.")
    except StillWaiting as error:
        raise CaptureUnavailable(
            f"{missing} of {len(wanted)} inferences were not captured within {_CAPTURE_TIMEOUT_SECONDS} seconds. "
            "Look at the endpoint's data capture settings and its log."
        ) from error
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def _training_figures(environment: Environment, job: str) -> dict[str, Any]:
    """The validation accuracy of the model that the job kept, and that of its last epoch; epochs count from 1."""
    accuracy = read_training_log(environment, job).accuracy
    if accuracy is None:
        return {"validation_accuracy": None}
    return {
        "validation_accuracy": accuracy.kept,
        "kept_epoch": accuracy.kept_epoch + 1,
        "last_validation_accuracy": accuracy.last,
        "last_epoch": accuracy.last_epoch + 1,
    }


def _execution_figures(executions: Sequence[workflow.Execution]) -> dict[str, Any]:
    """How the executions ended; seconds from start to end of each."""
    durations = [
        (execution.stopped_at - execution.started_at).total_seconds()
        for execution in executions
        if execution.stopped_at is not None
    ]
    return {
        "executions": len(executions),
        "outcomes": dict(Counter(execution.outcome for execution in executions)),
        "errors": dict(Counter(execution.error for execution in executions if execution.error)),
        "p50_seconds": round(median(durations), 3) if durations else None,
    }


def _capture_figures(
    records: Sequence[dict[str, Any]],
    executions: Sequence[workflow.Execution],
    images: Sequence[staging.StagedImage],
    labels: Sequence[str],
    threshold: float,
) -> dict[str, Any]:
    """Accuracy and pass rate from the captured records, joined to the labels by inference id and image key.

    An answer `other` is right for an image of that class, and passes at no threshold.
    """
    label_of_key = {image.key: image.label_index for image in images}
    label_of = {execution.name: label_of_key[execution.input["s3_key"]] for execution in executions}
    correct = sum(record["class_index"] == label_of[record["inference_id"]] for record in records)
    passed = sum(_is_known(labels, record) and record["confidence"] >= threshold for record in records)
    return {
        "threshold": threshold,
        "captured_records": len(records),
        "captured_executions": len({record["inference_id"] for record in records}),
        "accuracy": _share(correct, len(records)),
        "pass_rate": _share(passed, len(records)),
    }


def _is_known(labels: Sequence[str], record: dict[str, Any]) -> bool:
    return labels[int(record["class_index"])] != staging.OTHER


def _other_figures(
    dataset: staging.Dataset, executions: Sequence[workflow.Execution], images: Sequence[staging.StagedImage]
) -> dict[str, Any]:
    """Where there is a class `other`: which share of its images ended as not a known class, and which passed."""
    if not dataset.has_other:
        return {}
    keys = {image.key for image in images if image.label == staging.OTHER}
    others = [execution for execution in executions if execution.input["s3_key"] in keys]
    right = sum(bool(execution.is_right(staging.OTHER)) for execution in others)
    passed = sum(execution.outcome is workflow.Outcome.PASSED for execution in others)
    return {
        "other_images": len(others),
        "other_recognized": _share(right, len(others)),
        "other_pass_rate": _share(passed, len(others)),
    }


def _share(count: int, total: int) -> float | None:
    """None of nothing."""
    return round(count / total, 4) if total else None


class _Clock:
    """Takes the time of each step, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)
