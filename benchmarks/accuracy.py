"""Whether intervals of accuracy hold what they say: from few labels, at any look, and estimated without a label.

Windows are drawn as streams are (`benchmarks.streams`), with and without foreign images, of a model with the class
`other` and of one without. What is right is known of each record, and an interval is asked for the window's own share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.accuracy import (
    Calibration,
    Withheld,
    counted,
    draw_sample,
    estimate,
    realised,
    realised_so_far,
)
from backend.drift import Baseline, Detector
from backend.evaluation.intervals import interval
from backend.evaluation.record import Answers
from backend.traffic import Drift
from benchmarks.place import say
from benchmarks.streams import Model, models

WINDOW = 1_000
WINDOWS = 2_000
"""Of each model, share of foreign images and number of labels: a coverage of 0.95 is then known within 0.01."""
STREAMS = 400
"""Of each share, by which the estimate is judged: each with a detector that has seen what was before the window."""
LABELS = (20, 50, 100)
SHARES = (0.0, 0.1, 0.3)
ESTIMATED = (0.0, 0.05, 0.1, 0.3)
_BEFORE = 4_000


@dataclass(frozen=True)
class Window:
    """A window's answers, and which are right: calibrated as the app would."""

    calibration: Calibration
    probabilities: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    images: NDArray[np.int64]
    rng: np.random.Generator

    @property
    def accuracy(self) -> float:
        return float(self.is_right.mean())


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the accuracy, and half their width on average; beside it uniform sampling's."""

    coverage: float
    half_width: float
    uniform_coverage: float
    uniform_half_width: float


def measure(archive: Path, images: Path, windows: int = WINDOWS, streams: int = STREAMS) -> dict[str, Any]:
    """The figures by name; raises InvalidImage for a folder without images."""
    both = models(archive, images)
    return {"windows": windows, "streams": streams} | figures(both, windows, streams)


def figures(both: tuple[Model, Model], windows: int, streams: int) -> dict[str, Any]:
    """Those of a model with the class `other` and one without together, and of each cell."""
    cells = list(product(both, SHARES, LABELS))
    found = {_named(*cell): from_labels(*cell, windows) for cell in cells}
    say("intervals from labels are measured")
    looked = [sequence(model, share, windows // 4) for model, share in product(both, SHARES)]
    say("sequences are measured")
    taught, plain = both
    estimates = {_named(taught, share): without_labels(taught, share, streams) for share in ESTIMATED}
    plainly = {_named(plain, share): without_labels(plain, share, streams) for share in ESTIMATED}
    shown = sum(item["shown"] for item in estimates.values())
    return {
        "coverage_min": min(item.coverage for item in found.values()),
        "width_ratio": round(median(item.half_width / item.uniform_half_width for item in found.values()), 3),
        "sequence_coverage_min": min(item["coverage"] for item in looked),
        "sequence_half_width": {str(labels): round(fmean(item[labels] for item in looked), 3) for labels in LABELS},
        "estimate_coverage": sum(item["covered"] for item in estimates.values()) / shown,
        "estimate_withheld": {name: 1 - item["shown"] / streams for name, item in estimates.items()},
        "estimates": estimates,
        "estimates_that_are_withheld_without_other": plainly,
        "intervals": {name: [round(value, 3) for value in vars(item).values()] for name, item in found.items()},
    }


def from_labels(model: Model, share: float, labels: int, windows: int) -> Coverage:
    """Of a stratified sample, and of a uniform one with the interval of Clopper and Pearson."""
    stratified, uniform = [], []
    for window in _windows(model, share, windows):
        sample = draw_sample(window.calibration.confidence(window.probabilities), labels, window.rng)
        answers = {place: bool(window.is_right[place]) for place in sample.order}
        found = realised(counted(sample, answers))
        stratified.append((found.covers(window.accuracy), found.half_width))
        drawn = window.rng.permutation(WINDOW)[:labels]
        low, high = interval(int(window.is_right[drawn].sum()), labels)
        uniform.append((low <= window.accuracy <= high, (high - low) / 2))
    return Coverage(*(float(value) for value in (*np.mean(stratified, axis=0), *np.mean(uniform, axis=0))))


def sequence(model: Model, share: float, windows: int) -> dict[Any, float]:
    """How often no look of a hundred, one after each label, misses; and half the width at some of them."""
    covered, widths = [], {labels: list[float]() for labels in LABELS}
    for window in _windows(model, share, windows):
        sample = draw_sample(window.calibration.confidence(window.probabilities), max(LABELS), window.rng)
        answers: dict[int, bool] = {}
        looks = []
        for place in sample.order:
            answers[place] = bool(window.is_right[place])
            found = realised_so_far(counted(sample, answers))
            looks.append(found.covers(window.accuracy))
            if len(answers) in widths:
                widths[len(answers)].append(found.half_width)
        covered.append(all(looks))
    return {"coverage": fmean(covered)} | {labels: fmean(values) for labels, values in widths.items()}


def without_labels(model: Model, share: float, streams: int) -> dict[str, float]:
    """How often no drift is on after a window, and the estimate holds the accuracy then; half its width, its error."""
    shown: list[tuple[bool, float, float]] = []
    for stream, window in enumerate(_windows(model, share, streams)):
        content = (window.images + 1).astype(np.uint64)
        alarm = _alarm(model, stream, window)
        found = estimate(window.calibration, window.probabilities, content, has_other=True, alarm=alarm)
        if not isinstance(found, Withheld):
            shown.append((found.covers(window.accuracy), found.half_width, found.value - window.accuracy))
    covered, widths, errors = zip(*shown, strict=True) if shown else ((), (0.0,), (0.0,))
    return {
        "shown": len(shown),
        "covered": sum(covered),
        "half_width": round(fmean(widths), 3),
        "error": round(fmean(errors), 3),
    }


def _alarm(model: Model, stream: int, window: Window) -> str | None:
    """What is on at the end of a window, after undisturbed records whose alarms were acknowledged."""
    rng = np.random.default_rng(stream)
    baseline, pool = model.draw(rng)
    detector = Detector(Baseline.of(model.plain.records(baseline, model.other, rng), len(model.labels)))
    for _ in range(4):
        before = model.stream(Drift(), pool, _BEFORE // 4, rng)
        detector.feed(model.plain.records(before, model.other, rng))
        detector.acknowledge()
    detector.feed(model.plain.records(window.images, model.other, rng))
    return "It drifted." if detector.alarm or detector.difference else None


def _windows(model: Model, share: float, count: int) -> Iterator[Window]:
    """Windows of the pools that detectors of the same number are fed from."""
    for number in range(count):
        calibrated, pool = model.draw(np.random.default_rng(number))
        rng = np.random.default_rng((number, 1))
        images = model.stream(Drift(foreign=share), pool, WINDOW, rng)
        right = model.plain.predicted == np.where(model.plain.truth < 0, model.other or -1, model.plain.truth)
        calibration = Calibration.of(Answers((), model.plain.probabilities[calibrated], model.plain.truth[calibrated]))
        yield Window(calibration, model.plain.probabilities[images], right[images], images, rng)


def _named(model: Model, share: float, labels: int | None = None) -> str:
    of = "without other" if model.other is None else "with other"
    return f"{of}, {share:.0%} foreign" + (f", {labels} labels" if labels else "")
