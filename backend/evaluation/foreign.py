"""How many images of no known class a threshold passes on, as if they were of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from backend.evaluation.intervals import Proportion
from backend.evaluation.record import Answers, EvaluatedImage, Evaluation

BLANK = "blank"
"""What staging calls an image of nothing that it drew."""


@dataclass(frozen=True)
class ForeignGroup:
    """Images of no known class that have something in common, those that pass, and how many these are.

    `by_kind` has the same for what they show, as far as it is known, most passing first: a class of the archive, or the
    folder that a picture lies in. `was_trained_on`: the training has seen images of the same kind, though not these.
    """

    title: str
    was_trained_on: bool
    passed: Proportion
    passing: tuple[EvaluatedImage, ...]
    by_kind: tuple[tuple[str, Proportion], ...]


def foreign_groups(evaluation: Evaluation, threshold: float) -> list[ForeignGroup]:
    """What passes at a threshold of each kind of foreign images that was evaluated, those least like training first."""
    other = evaluation.other_index
    return [_group(*found, threshold, other) for found in _kinds(evaluation) if found[2]]


def _kinds(evaluation: Evaluation) -> Iterator[tuple[str, bool, list[EvaluatedImage]]]:
    foreign = [image for image in evaluation.images if image.split == "foreign"]
    other = [image for image in evaluation.test.images if image.label_index == evaluation.other_index]
    yield "Of the given folder", False, [image for image in evaluation.images if image.split == "folder"]
    yield "Of classes kept out of training", False, [image for image in foreign if image.drawn_from != BLANK]
    yield "Pictures of nothing, kept out of training", False, [image for image in foreign if image.drawn_from == BLANK]
    yield "Of what “other” was trained on", True, [image for image in other if image.drawn_from != BLANK]
    yield (
        "Pictures of nothing (blank frames, noise, gradients)",
        True,
        [image for image in other if image.drawn_from == BLANK],
    )


def _group(
    title: str, was_trained_on: bool, images: list[EvaluatedImage], threshold: float, other: int | None
) -> ForeignGroup:
    passes = Answers.of(images).passes(threshold, other)
    passing = [image for image, does in zip(images, passes, strict=True) if does]
    passing.sort(key=lambda image: -image.confidence)
    every, among = Counter(map(_kind, images)), Counter(map(_kind, passing))
    by_kind = [(kind, Proportion(among[kind], every[kind])) for kind in sorted(every) if kind]
    by_kind.sort(key=lambda item: -(item[1].share or 0))
    return ForeignGroup(title, was_trained_on, Proportion(len(passing), len(images)), tuple(passing), tuple(by_kind))


def _kind(image: EvaluatedImage) -> str:
    """What an image shows, or the folder below the given one that it lies in; empty where that is not known."""
    return image.drawn_from or (image.name.rpartition("/")[0] if image.split == "folder" else "")
