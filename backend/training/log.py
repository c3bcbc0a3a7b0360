"""What a training job wrote to CloudWatch Logs: its lines, and the accuracies in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from statistics import median

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.names import TRAINING_LOG_GROUP

_EPOCH_FIGURE = re.compile(r"Epoch\[(\d+)\] (Train-accuracy|Validation-accuracy|Time cost)=([0-9.eE+-]+)")
_STORED = "Storing the best model with validation accuracy"


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch; a figure is None until the job has logged it. Epochs count from 0, as the algorithm's do.

    `seconds` is what training on all images once took, `is_stored` that the job kept its model, until it stored a
    later one's.
    """

    epoch: int
    train_accuracy: float | None = None
    validation_accuracy: float | None = None
    is_stored: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Accuracy:
    """Validation accuracies of a job: of the epoch whose model it keeps, and of the last one.

    The algorithm stores the model whenever none before was better, and leaves the last one stored. Epochs count from 0,
    as the algorithm's do.
    Source: the built-in's log line "Storing the best model with validation accuracy". The final metric with which
    SageMaker describes a job is the last epoch's.
    """

    kept: float
    kept_epoch: int
    last: float
    last_epoch: int

    @property
    def epochs_in_words(self) -> str:
        """Which epoch, counted from 1, is kept, and what the last one had."""
        if self.kept_epoch == self.last_epoch:
            return f"epoch {self.kept_epoch + 1}, the last, is kept"
        return f"epoch {self.kept_epoch + 1} is kept; the last, {self.last_epoch + 1}, had {self.last:.3f}"


@dataclass(frozen=True)
class TrainingLog:
    """The lines of a job's log, oldest first, and what they say of each epoch."""

    lines: tuple[str, ...]
    epochs: tuple[EpochMetrics, ...]

    @property
    def accuracy(self) -> Accuracy | None:
        """The accuracies so far; None before an epoch is validated."""
        validated = [
            (item.is_stored, item.validation_accuracy, item.epoch)
            for item in self.epochs
            if item.validation_accuracy is not None
        ]
        if not validated:
            return None
        stored = [item for item in validated if item[0]]
        _, kept, kept_epoch = stored[-1] if stored else max(validated, key=itemgetter(1))
        _, last, last_epoch = validated[-1]
        return Accuracy(kept, kept_epoch, last, last_epoch)

    @property
    def epochs_done(self) -> int:
        """How many epochs are trained and validated."""
        return sum(item.validation_accuracy is not None for item in self.epochs)

    def seconds_left(self, epochs: int) -> float | None:
        """How long the rest of so many epochs takes, by the median of those so far; None before one is done."""
        took = [item.seconds for item in self.epochs if item.seconds is not None]
        return median(took) * max(epochs - self.epochs_done, 0) if took else None


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
    stored: set[int] = set()
    epoch = -1
    for line in lines:
        if match := _EPOCH_FIGURE.search(line):
            epoch = int(match[1])
            figures.setdefault(epoch, {})[match[2]] = float(match[3])
        elif _STORED in line:
            stored.add(epoch)
    return [
        EpochMetrics(
            epoch,
            found.get("Train-accuracy"),
            found.get("Validation-accuracy"),
            epoch in stored,
            found.get("Time cost"),
        )
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
    """A stream's lines; its end is where CloudWatch Logs gives back the token it was given. A page may be empty before.

    Source: the GetLogEvents API's reference.
    """
    read = partial(
        environment.logs.get_log_events, logGroupName=TRAINING_LOG_GROUP, logStreamName=stream, startFromHead=True
    )
    page, reached = read(), None
    while (token := page["nextForwardToken"]) != reached:
        yield from (event["message"] for event in page["events"])
        page, reached = read(nextToken=token), token
