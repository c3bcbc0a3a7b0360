"""Reading the accuracies from the log lines of the built-in algorithm."""

from __future__ import annotations

from backend.training.log import EpochMetrics, parse_epochs

# Lines of a real training job, from the SageMaker console.
REAL_LINES = [
    "[10/15/2024 12:37:35 INFO 140427410851648] Epoch[29] Batch [20]#011Speed: 189.5 samples/sec#011accuracy=0.930060",
    "[10/15/2024 12:37:37 INFO 140427410851648] Epoch[29] Train-accuracy=0.939516",
    "[10/15/2024 12:37:37 INFO 140427410851648] Epoch[29] Time cost=5.027",
    "[10/15/2024 12:37:38 INFO 140427410851648] Epoch[29] Validation-accuracy=0.812500",
]


def test_an_epochs_figures_are_joined_from_its_lines() -> None:
    assert parse_epochs(REAL_LINES) == [EpochMetrics(29, 0.939516, 0.8125)]


def test_an_epoch_that_is_not_validated_yet_has_no_validation_accuracy() -> None:
    assert parse_epochs(REAL_LINES[:3]) == [EpochMetrics(29, 0.939516, None)]


def test_epochs_come_in_order_of_their_number() -> None:
    lines = ["Epoch[10] Train-accuracy=0.9", "Epoch[9] Train-accuracy=0.8"]
    assert [epoch.epoch for epoch in parse_epochs(lines)] == [9, 10]


def test_lines_of_other_kinds_are_passed_over() -> None:
    assert parse_epochs(["Docker entrypoint called with argument(s): train", ""]) == []
