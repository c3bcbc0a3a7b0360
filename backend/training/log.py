"""What a training job wrote to CloudWatch Logs: its lines, and the accuracies in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.names import TRAINING_LOG_GROUP

_EPOCH_FIGURE = re.compile(r"Epoch\[(\d+)\] (Train-accuracy|Validation-accuracy)=([0-9.eE+-]+)")


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch; a figure is None until the job has logged it. Epochs count from 0, as the algorithm's do."""

    epoch: int
    train_accuracy: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class TrainingLog:
    """The lines of a job's log, oldest first, and what they say of each epoch."""

    lines: tuple[str, ...]
    epochs: tuple[EpochMetrics, ...]


def read_training_log(environment: Environment, name: str) -> TrainingLog:
    """Read the whole log of a training job; empty while the job has not written any."""
    with aws_errors(f"read the log of training job {name}"):
        lines = tuple(_log_lines(environment, name))
    return TrainingLog(lines, tuple(parse_epochs(lines)))


def parse_epochs(lines: Iterable[str]) -> list[EpochMetrics]:
    """The figures of each epoch in the built-in image-classification algorithm's log lines.

    Source: SageMaker developer guide, "Tune an Image Classification Model" (metrics), and logs of real jobs.
    """
    figures: dict[int, dict[str, float]] = {}
    for line in lines:
        if match := _EPOCH_FIGURE.search(line):
            figures.setdefault(int(match[1]), {})[match[2]] = float(match[3])
    return [
        EpochMetrics(epoch, found.get("Train-accuracy"), found.get("Validation-accuracy"))
        for epoch, found in sorted(figures.items())
    ]


def _log_lines(environment: Environment, name: str) -> Iterator[str]:
    streams = find(
        environment.logs.describe_log_streams, logGroupName=TRAINING_LOG_GROUP, logStreamNamePrefix=f"{name}/"
    )
    if streams is None:
        return  # the first job of an account makes the group when it writes its first line
    for stream in streams["logStreams"]:
        yield from _stream_lines(environment, stream["logStreamName"])


def _stream_lines(environment: Environment, stream: str) -> Iterator[str]:
    page = environment.logs.get_log_events(logGroupName=TRAINING_LOG_GROUP, logStreamName=stream, startFromHead=True)
    while page["events"]:
        yield from (event["message"] for event in page["events"])
        token = page["nextForwardToken"]
        page = environment.logs.get_log_events(
            logGroupName=TRAINING_LOG_GROUP, logStreamName=stream, startFromHead=True, nextToken=token
        )
        if page["nextForwardToken"] == token:
            return
