"""A training job against a bare PyTorch loop of the same network, data and epochs, seed by seed in turn.

Each seed trains once as a job and once bare, so that what else the machine does weighs on both alike. What is trained
is what the app trains unless it is told otherwise: with a class `other` where the archive has other classes. Its
accuracy is that between the known classes, as in `foreign`, which has that of a network without the class beside it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from backend import staging, training
from backend.aws.environment import Environment
from benchmarks.jobs import answers, kept_accuracy, load_model, read_split, run_job, training_seconds
from benchmarks.place import say, staged

SEEDS = range(5)
OPTIONS = training.TrainingOptions(num_layers=20, epochs=30)


@dataclass(frozen=True)
class JobFigures:
    """A completed job: the wall time of its training phase, and the accuracies of the model that it kept.

    The epoch was chosen on the validation images; the test images have had no part in anything.
    """

    seconds: float
    validation_accuracy: float
    test_accuracy: float
    """Between the known classes, of their images, whatever is said of `other`."""
    test_accuracy_of_all: float
    """Of all test images, where `other` is an answer like each other."""


def measure(archive: Path, seeds: Sequence[int] = SEEDS, options: training.TrainingOptions = OPTIONS) -> dict[str, Any]:
    """The figures by name; times in seconds."""
    jobs: list[JobFigures] = []
    bare: list[float] = []
    with staged(archive, staging.OtherOptions()) as (environment, dataset), tempfile.TemporaryDirectory() as folder:
        _download(environment, dataset, Path(folder))
        for seed in seeds:
            jobs.append(_run_job(environment, dataset, options, seed))
            bare.append(_run_bare(Path(folder), options, seed))
            say(f"seed {seed}: {jobs[-1]}, bare {bare[-1]:.1f} s")
    validated, tested = [job.validation_accuracy for job in jobs], [job.test_accuracy for job in jobs]
    return {
        "seeds": len(seeds),
        "epochs": options.epochs,
        "hyperparameters": options.hyperparameters(dataset),
        "validation_accuracies": validated,
        "validation_accuracy_median": median(validated),
        "test_accuracies": tested,
        "test_accuracy_median": median(tested),
        "test_accuracy_of_all_median": median(job.test_accuracy_of_all for job in jobs),
        "job_seconds": [round(job.seconds, 2) for job in jobs],
        "bare_seconds": [round(seconds, 2) for seconds in bare],
        "wall_ratio": round(median(job.seconds / base for job, base in zip(jobs, bare, strict=True)), 3),
    }


def _run_job(
    environment: Environment, dataset: staging.Dataset, options: training.TrainingOptions, seed: int
) -> JobFigures:
    job = run_job(environment, dataset, options, seed)
    images, labels = read_split(environment, dataset, staging.TEST)
    probabilities = answers(load_model(environment, job), images)
    truth, classes = np.array(labels), len(dataset.known_labels)
    is_known = truth < classes
    between = probabilities[is_known, :classes].argmax(1) == truth[is_known]
    of_all = probabilities.argmax(1) == truth
    validated = kept_accuracy(environment, job)
    return JobFigures(training_seconds(job), validated, float(np.mean(between)), float(np.mean(of_all)))


def _download(environment: Environment, dataset: staging.Dataset, folder: Path) -> None:
    """The staged images as files, in folders by split and class index: what the bare loop reads."""
    for split in (staging.TRAIN, staging.VALIDATION):
        for image in staging.list_images(environment, dataset, split):
            path = folder / split / str(image.label_index) / image.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(staging.read_image(environment, image.key))


def _run_bare(folder: Path, options: training.TrainingOptions, seed: int) -> float:
    """Seconds of the bare loop, in a process of its own; its imports and its reading of images do not count."""
    command = [sys.executable, "-m", "benchmarks.bare_loop", str(folder), str(seed), str(options.epochs)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own module
    return float(finished.stdout)
