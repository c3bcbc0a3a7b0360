"""Images of nothing that was trained on: how many pass as a confident vehicle, with the class `other` and without.

Each seed trains once with the class and once without, on the same bicycles and motorcycles, and both models answer the
same images: the archive's test images of known classes, a folder of foreign pictures, and pictures of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from backend import staging
from backend.aws.environment import Environment
from backend.errors import InvalidImage
from backend.training import TrainingOptions
from benchmarks.jobs import Probabilities, answers, load_model, read_split, run_job
from benchmarks.nothing import draw_all
from benchmarks.place import say, staged

SEEDS = range(5)
OPTIONS = TrainingOptions(num_layers=20, epochs=30)
THRESHOLD = 0.93
COVERAGE = 0.7
"""The share of known test images that passes at the other threshold: models are compared at equal coverage."""


@dataclass(frozen=True)
class Pictures:
    """What every model answers: PNG and JPEG images, and the class indices of the known ones."""

    known: list[bytes]
    truth: npt.NDArray[np.int64]
    foreign: list[bytes]
    nothing: list[bytes]


@dataclass(frozen=True)
class Answers:
    """A model's probabilities for all pictures; the first `classes` of them are of known classes."""

    known: Probabilities
    truth: npt.NDArray[np.int64]
    foreign: Probabilities
    nothing: Probabilities
    classes: int

    def passing(self, probabilities: Probabilities, threshold: float) -> float:
        """The share that passes: whose answer is a known class, at least as sure as the threshold."""
        return float(np.mean(self._scores(probabilities) >= threshold))

    @property
    def threshold_at_coverage(self) -> float:
        """The highest threshold that passes COVERAGE of the known images; 0 when too few are told a known class."""
        scores = np.sort(self._scores(self.known))[::-1]
        return max(0.0, float(scores[int(np.ceil(COVERAGE * len(scores))) - 1]))

    @property
    def called_other(self) -> float:
        return float(np.mean(self.known.argmax(1) >= self.classes))

    @property
    def accuracy(self) -> float:
        """Between the known classes, whatever is said of `other`."""
        return float(np.mean(self.known[:, : self.classes].argmax(1) == self.truth))

    def _scores(self, probabilities: Probabilities) -> Probabilities:
        """The highest probability; -1, which no threshold takes, where it is that of `other`."""
        return np.where(probabilities.argmax(1) < self.classes, probabilities.max(1), -1.0)


def measure(
    archive: Path, images: Path, seeds: Sequence[int] = SEEDS, options: TrainingOptions = OPTIONS
) -> dict[str, Any]:
    """The figures by name: medians over the seeds, and each seed's; raises InvalidImage for a folder without images."""
    foreign = _read_folder(images)
    taught: list[Answers] = []
    plain: list[Answers] = []
    with staged(archive, staging.OtherOptions()) as (environment, dataset):
        without = staging.stage_dataset(environment, staging.LocalArchive(archive), dataset.known_labels, other=None)
        pictures = _pictures(environment, without, foreign)
        for seed in seeds:
            taught.append(_train(environment, dataset, options, seed, pictures))
            plain.append(_train(environment, without, options, seed, pictures))
            say(f"seed {seed}: {_figures(taught[-1:], plain[-1:])}")
    return {
        "seeds": len(seeds),
        "epochs": options.epochs,
        "train_images": dataset.counts[staging.TRAIN],
        "foreign_images": len(foreign),
        "pictures_of_nothing": len(pictures.nothing),
        **_figures(taught, plain),
    }


def _figures(taught: Sequence[Answers], plain: Sequence[Answers]) -> dict[str, Any]:
    by_seed = {
        "foreign_pass_rate": [_foreign(model, THRESHOLD) for model in taught],
        "foreign_pass_rate_without": [_foreign(model, THRESHOLD) for model in plain],
        "foreign_pass_rate_at_70": [_foreign(model, model.threshold_at_coverage) for model in taught],
        "foreign_pass_rate_at_70_without": [_foreign(model, model.threshold_at_coverage) for model in plain],
        "known_called_other": [model.called_other for model in taught],
        "known_pass_rate": [model.passing(model.known, THRESHOLD) for model in taught],
        "known_pass_rate_without": [model.passing(model.known, THRESHOLD) for model in plain],
        "accuracy": [model.accuracy for model in taught],
        "accuracy_without": [model.accuracy for model in plain],
        "accuracy_change": [with_.accuracy - bare.accuracy for with_, bare in zip(taught, plain, strict=True)],
        "blank_pass_rate": [model.passing(model.nothing, THRESHOLD) for model in taught],
        "blank_pass_rate_without": [model.passing(model.nothing, THRESHOLD) for model in plain],
    }
    medians = {name: round(median(values), 4) for name, values in by_seed.items()}
    return medians | {f"{name}_by_seed": [round(value, 4) for value in values] for name, values in by_seed.items()}


def _foreign(model: Answers, threshold: float) -> float:
    return model.passing(model.foreign, threshold)


def _train(
    environment: Environment, dataset: staging.Dataset, options: TrainingOptions, seed: int, pictures: Pictures
) -> Answers:
    name = "with-other" if dataset.has_other else "without"
    model = load_model(environment, run_job(environment, dataset, options, seed, name))
    return Answers(
        answers(model, pictures.known),
        pictures.truth,
        answers(model, pictures.foreign),
        answers(model, pictures.nothing),
        len(dataset.known_labels),
    )


def _pictures(environment: Environment, dataset: staging.Dataset, foreign: list[bytes]) -> Pictures:
    known, truth = read_split(environment, dataset, staging.TEST)
    return Pictures(known, np.array(truth), foreign, [content for _kind, content in draw_all()])


def _read_folder(folder: Path) -> list[bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not paths:
        raise InvalidImage(f"{folder} holds no PNG or JPEG images. Name another folder with --images.")
    return [path.read_bytes() for path in paths]
