"""A training job against a bare PyTorch loop of the same network, data and epochs, seed by seed in turn.

Each seed trains once as a job and once bare, so that what else the machine does weighs on both alike.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sagemaker.core import image_uris

from backend import staging, training
from backend.aws.environment import Environment
from benchmarks.place import say, staged

SEEDS = range(5)
OPTIONS = training.TrainingOptions(num_layers=20, epochs=30)


@dataclass(frozen=True)
class JobFigures:
    """A completed job: the wall time of its training phase, and the validation accuracy after its last epoch."""

    seconds: float
    accuracy: float


def measure(archive: Path) -> dict[str, Any]:
    """The figures by name; times in seconds."""
    jobs: list[JobFigures] = []
    bare: list[float] = []
    with staged(archive) as (environment, dataset), tempfile.TemporaryDirectory() as folder:
        _download(environment, dataset, Path(folder))
        for seed in SEEDS:
            jobs.append(_run_job(environment, dataset, seed))
            bare.append(_run_bare(Path(folder), seed))
            say(f"seed {seed}: job {jobs[-1].seconds:.1f} s, bare {bare[-1]:.1f} s, accuracy {jobs[-1].accuracy:.3f}")
    accuracies = [job.accuracy for job in jobs]
    return {
        "seeds": len(SEEDS),
        "epochs": OPTIONS.epochs,
        "hyperparameters": OPTIONS.hyperparameters(dataset),
        "validation_accuracies": accuracies,
        "validation_accuracy_median": median(accuracies),
        "job_seconds": [round(job.seconds, 2) for job in jobs],
        "bare_seconds": [round(seconds, 2) for seconds in bare],
        "wall_ratio": round(median(job.seconds / base for job, base in zip(jobs, bare, strict=True)), 3),
    }


def _run_job(environment: Environment, dataset: staging.Dataset, seed: int) -> JobFigures:
    name = f"{environment.project}-seed-{seed}"
    environment.sagemaker.create_training_job(**_request(environment, dataset, name, seed))
    job = training.wait_for_training(environment, name)
    [phase] = [item for item in job.transitions if item.status == "Training"]
    assert phase.ended_at is not None  # noqa: S101  the job has ended
    assert job.validation_accuracy is not None  # noqa: S101  the algorithm validates every epoch
    return JobFigures((phase.ended_at - phase.started_at).total_seconds(), job.validation_accuracy)


def _request(environment: Environment, dataset: staging.Dataset, name: str, seed: int) -> dict[str, Any]:
    """As the app asks for a job, with a seed for the algorithm's random numbers."""
    return {
        "TrainingJobName": name,
        "RoleArn": environment.names.sagemaker_role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": image_uris.retrieve("image-classification", region=environment.region),
            "TrainingInputMode": "File",
        },
        "HyperParameters": OPTIONS.hyperparameters(dataset),
        "InputDataConfig": [_channel(channel, uri) for channel, uri in dataset.channels().items()],
        "OutputDataConfig": {"S3OutputPath": f"s3://{environment.bucket}/models"},
        "ResourceConfig": {"InstanceType": OPTIONS.instance_type, "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Environment": {"SEED": str(seed)},
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": "application/x-image", "DataSource": {"S3DataSource": source}}


def _download(environment: Environment, dataset: staging.Dataset, folder: Path) -> None:
    """The staged images as files, in folders by split and class index: what the bare loop reads."""
    for split in dataset.counts:
        for image in staging.list_images(environment, dataset, split):
            path = folder / split / str(image.label_index) / image.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(staging.read_image(environment, image.key))


def _run_bare(folder: Path, seed: int) -> float:
    """Seconds of the bare loop, in a process of its own; its imports and its reading of images do not count."""
    command = [sys.executable, "-m", "benchmarks.bare_loop", str(folder), str(seed), str(OPTIONS.epochs)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own module
    return float(finished.stdout)
