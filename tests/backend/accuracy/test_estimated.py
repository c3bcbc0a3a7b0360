"""Accuracy is estimated where that holds, with all that is open, and else withheld with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from backend.accuracy import Calibration, Interval, Withheld, estimate
from backend.evaluation.record import Answers


def answered(count: int, rng: np.random.Generator, overconfidence: float = 1.6) -> Answers:
    """Two classes; the probabilities at this temperature are how often each is right."""
    true = rng.beta(0.6, 0.6, count)
    truth = (rng.random(count) >= true).astype(np.int64)
    odds = (true / (1 - true)) ** overconfidence
    first = odds / (1 + odds)
    return Answers((), np.stack([first, 1 - first], axis=1), truth)


def each_its_own(count: int) -> np.ndarray:
    return np.arange(1, count + 1, dtype=np.uint64)


def test_the_temperature_that_the_answers_were_made_with_is_found() -> None:
    found = Calibration.of(answered(20_000, np.random.default_rng(0)))
    assert found.temperature == pytest.approx(1.6, abs=0.05)
    assert found.images == 20_000


def test_the_estimate_is_the_mean_calibrated_confidence() -> None:
    answers = answered(400, np.random.default_rng(0))
    powers = answers.probabilities ** (1 / 1.6)
    expected = float((powers / powers.sum(axis=1, keepdims=True)).max(axis=1).mean())
    found = estimate(Calibration(1.6, 0.3, 200), answers.probabilities, each_its_own(400), has_other=True)
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(expected)
    assert found.half_width == pytest.approx(1.959964 * 0.3 * (1 / 200 + 1 / 400) ** 0.5)


def test_the_spread_is_how_far_being_right_is_from_confidence() -> None:
    answers = answered(3_000, np.random.default_rng(0), overconfidence=1.0)
    confidence = answers.probabilities.max(axis=1)
    assert Calibration.of(answers).spread == pytest.approx(
        float(np.sqrt((confidence * (1 - confidence)).mean())), rel=0.03
    )


def test_nineteen_of_twenty_estimates_hold_the_windows_accuracy() -> None:
    held = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        calibration, now = Calibration.of(answered(150, rng)), answered(300, rng)
        found = estimate(calibration, now.probabilities, each_its_own(300), has_other=True)
        assert isinstance(found, Interval)
        held.append(found.covers(float(now.is_right.mean())))
    assert np.mean(held) >= 0.95


def test_pictures_that_come_again_count_once() -> None:
    answers, calibration = answered(1_000, np.random.default_rng(0)), Calibration(1.0, 0.3, 10**9)
    again = np.repeat(np.arange(1, 101, dtype=np.uint64), 10)
    found = [
        estimate(calibration, answers.probabilities, content, has_other=True)
        for content in (each_its_own(1_000), again, np.zeros(1_000, np.uint64))
    ]
    widths = [interval.half_width for interval in found if isinstance(interval, Interval)]
    assert widths == pytest.approx([0.0186, 0.0588, 0.0186], abs=1e-4)  # 1.96 * 0.3 / sqrt(1000), sqrt(100), sqrt(1000)


def reason(**changed: object) -> str:
    given = {
        "calibration": Calibration(1.0, 0.3, 200),
        "probabilities": answered(100, np.random.default_rng(0)).probabilities,
        "content": each_its_own(100),
        "has_other": True,
    }
    found = estimate(**(given | changed))  # type: ignore[arg-type]
    assert isinstance(found, Withheld)
    return found.reason


def test_why_none_is_shown() -> None:
    assert reason(alarm="The brightness has drifted.").startswith("The brightness has drifted. How sure the model is")
    assert "without the class other" in reason(has_other=False)
    assert "has 49 images of known classes; an estimate needs 50" in reason(calibration=Calibration(1.0, 0.3, 49))
    assert "There are 49 records; an estimate needs 50" in reason(probabilities=np.full((49, 2), 0.5))


def test_answers_that_are_never_wrong_are_taken_as_they_are() -> None:
    sure = Answers((), np.tile([0.9, 0.1], (60, 1)), np.zeros(60, np.int64))
    assert Calibration.of(sure).temperature == 1
    with pytest.raises(ValueError, match="needs an answer"):
        Calibration.of(Answers((), np.empty((0, 2)), np.empty(0, np.int64)))
