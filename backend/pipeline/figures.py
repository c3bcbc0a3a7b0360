"""What a run of the whole pipeline came to, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from backend import monitoring, staging
from backend.aws.environment import Environment
from backend.pipeline.record import PipelineRun, Stage
from backend.pipeline.stages import captured_executions, dataset_of, results_of
from backend.training import read_training_log
from backend.workflow import Outcome, Result


def figures_of(environment: Environment, run: PipelineRun) -> dict[str, Any]:
    """The figures of a run that has ended, by name, ready for JSON; `seconds` holds the time of each stage."""
    dataset = dataset_of(environment, run)
    images = staging.list_images(environment, dataset, staging.TEST)
    results = results_of(environment, run)
    found = monitoring.by_inference(environment, set(captured_executions(environment, run)))
    records = [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
    job = run.made(Stage.TRAINING) or ""
    return {
        "environment": environment.settings.environment,
        "source": dataset.source,
        "synthetic": dataset.synthetic,
        "labels": list(dataset.labels),
        "other": staging.describe_other(dataset),
        **{f"{split}_images": dataset.size(split) for split in dataset.splits},
        "training_job": job,
        **_training_figures(environment, job),
        **_execution_figures(results),
        **_capture_figures(records, results, images, dataset.labels, run.options.threshold),
        **_other_figures(dataset, results, images),
        "seconds": {stage: round(record.seconds or 0.0, 2) for stage, record in run.stages.items()},
    }


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


def _execution_figures(results: Sequence[Result]) -> dict[str, Any]:
    """How the executions ended; seconds from start to end of each."""
    durations = [
        (result.stopped_at - result.started_at).total_seconds() for result in results if result.stopped_at is not None
    ]
    return {
        "executions": len(results),
        "outcomes": dict(Counter(str(result.outcome) for result in results)),
        "errors": dict(Counter(result.error for result in results if result.error)),
        "p50_seconds": round(median(durations), 3) if durations else None,
    }


def _capture_figures(
    records: Sequence[dict[str, Any]],
    results: Sequence[Result],
    images: Sequence[staging.StagedImage],
    labels: Sequence[str],
    threshold: float,
) -> dict[str, Any]:
    """Accuracy and pass rate from the captured records, joined to the labels by inference id and image key.

    An answer `other` is right for an image of that class, and passes at no threshold.
    """
    label_of_key = {image.key: image.label_index for image in images}
    label_of = {result.execution: label_of_key[result.key or ""] for result in results}
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
    dataset: staging.Dataset, results: Sequence[Result], images: Sequence[staging.StagedImage]
) -> dict[str, Any]:
    """Where there is a class `other`: which share of its images ended as not a known class, and which passed."""
    if not dataset.has_other:
        return {}
    keys = {image.key for image in images if image.label == staging.OTHER}
    others = [result for result in results if result.key in keys]
    right = sum(result.outcome is Outcome.UNKNOWN for result in others)
    passed = sum(result.outcome is Outcome.PASSED for result in others)
    return {
        "other_images": len(others),
        "other_recognized": _share(right, len(others)),
        "other_pass_rate": _share(passed, len(others)),
    }


def _share(count: int, total: int) -> float | None:
    """None of nothing."""
    return round(count / total, 4) if total else None
