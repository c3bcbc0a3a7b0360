"""Reading the accuracies from the log lines of the built-in algorithm."""

from __future__ import annotations

from typing import Any

import pytest

from backend.training.log import Accuracy, EpochMetrics, TrainingLog, parse_epochs, read_training_log
from tests import answers

# Lines of a real training job, from the SageMaker console.
REAL_LINES = [
    "[10/15/2024 12:37:35 INFO 140427410851648] Epoch[29] Batch [20]#011Speed: 189.5 samples/sec#011accuracy=0.930060",
    "[10/15/2024 12:37:37 INFO 140427410851648] Epoch[29] Train-accuracy=0.939516",
    "[10/15/2024 12:37:37 INFO 140427410851648] Epoch[29] Time cost=5.027",
    "[10/15/2024 12:37:38 INFO 140427410851648] Epoch[29] Validation-accuracy=0.812500",
]


def test_an_epochs_figures_are_joined_from_its_lines() -> None:
    assert parse_epochs(REAL_LINES) == [EpochMetrics(29, 0.939516, 0.8125, seconds=5.027)]


def test_an_epoch_that_is_not_validated_yet_has_no_validation_accuracy() -> None:
    assert parse_epochs(REAL_LINES[:3]) == [EpochMetrics(29, 0.939516, None, seconds=5.027)]


def test_epochs_come_in_order_of_their_number() -> None:
    lines = ["Epoch[10] Train-accuracy=0.9", "Epoch[9] Train-accuracy=0.8"]
    assert [epoch.epoch for epoch in parse_epochs(lines)] == [9, 10]


def test_lines_of_other_kinds_are_passed_over() -> None:
    assert parse_epochs(["Docker entrypoint called with argument(s): train", ""]) == []


def logged(*accuracies: float | None) -> TrainingLog:
    """A log with these validation accuracies; an epoch that is in training has none yet."""
    return TrainingLog((), tuple(EpochMetrics(epoch, 0.9, accuracy) for epoch, accuracy in enumerate(accuracies)))


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ((0.5, 0.9, 0.885), Accuracy(kept=0.9, kept_epoch=1, last=0.885, last_epoch=2)),
        ((0.5, 0.9, 0.9), Accuracy(kept=0.9, kept_epoch=1, last=0.9, last_epoch=2)),
        ((0.5, 0.7, 0.9), Accuracy(kept=0.9, kept_epoch=2, last=0.9, last_epoch=2)),
        ((0.5,), Accuracy(kept=0.5, kept_epoch=0, last=0.5, last_epoch=0)),
        ((0.5, 0.4, None), Accuracy(kept=0.5, kept_epoch=0, last=0.4, last_epoch=1)),
        ((0.0, 0.0), Accuracy(kept=0.0, kept_epoch=0, last=0.0, last_epoch=1)),
    ],
)
def test_where_no_model_is_said_to_be_stored_the_best_is_the_kept_one(
    accuracies: tuple[float | None, ...], expected: Accuracy
) -> None:
    assert logged(*accuracies).accuracy == expected


@pytest.mark.parametrize(("stored", "kept"), [((1,), 1), ((1, 2), 2)])
def test_the_kept_epoch_is_the_last_whose_model_was_stored(stored: tuple[int, ...], kept: int) -> None:
    lines = []
    for epoch, accuracy in enumerate((0.5, 0.9, 0.9, 0.8)):
        lines.append(f"Epoch[{epoch}] Validation-accuracy={accuracy}")
        if epoch in (0, *stored):
            lines.append(f"Storing the best model with validation accuracy: {accuracy}")
    log = TrainingLog(tuple(lines), tuple(parse_epochs(lines)))
    assert log.accuracy == Accuracy(kept=0.9, kept_epoch=kept, last=0.8, last_epoch=3)


@pytest.mark.parametrize("log", [logged(), logged(None)])
def test_before_an_epoch_is_validated_there_is_no_accuracy(log: TrainingLog) -> None:
    assert log.accuracy is None


def test_the_epochs_are_counted_from_one_in_words() -> None:
    assert Accuracy(0.9, 21, 0.885, 29).epochs_in_words == "epoch 22 is kept; the last, 30, had 0.885"
    assert Accuracy(0.9, 29, 0.9, 29).epochs_in_words == "epoch 30, the last, is kept"


def test_an_empty_page_is_not_the_end_of_a_log() -> None:
    """CloudWatch Logs says that a stream is at its end by giving back the token that it was given."""
    pages = {None: ("first", "f/1"), "f/1": (None, "f/2"), "f/2": ("second", "f/3"), "f/3": (None, "f/3")}

    def page(request: dict[str, Any]) -> dict[str, Any]:
        message, token = pages[request.get("nextToken")]
        return {"events": [{"message": message}] if message else [], "nextForwardToken": token}

    account = answers.account()
    streams = {"logStreams": [{"logStreamName": "job/algo-1-1700000000"}]}
    with (
        answers.answered(account.logs, "DescribeLogStreams", lambda _request: streams),
        answers.answered(account.logs, "GetLogEvents", page),
    ):
        assert read_training_log(account, "job").lines == ("first", "second")


@pytest.mark.parametrize(
    ("seconds", "validated", "left"),
    [((), 0, None), ((4.0,), 0, 120.0), ((4.0, 5.0, 60.0), 3, 135.0), ((2.0,) * 30, 30, 0.0)],
)
def test_the_time_left_is_by_the_median_of_the_epochs_so_far(
    seconds: tuple[float, ...], validated: int, left: float | None
) -> None:
    epochs = [
        EpochMetrics(epoch, 0.9, 0.8 if epoch < validated else None, seconds=took) for epoch, took in enumerate(seconds)
    ]
    assert TrainingLog((), tuple(epochs)).seconds_left(30) == left
