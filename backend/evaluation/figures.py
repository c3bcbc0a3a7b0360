"""What a model's answers amount to: accuracy, confusions, mistakes, and what passes though it should not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.evaluation.intervals import Proportion
from backend.evaluation.record import Answers, EvaluatedImage, Evaluation


def accuracy(evaluation: Evaluation) -> Proportion:
    """Right answers among the test images of known classes; one answered `other` is wrong."""
    return _counted(evaluation.known.is_right)


def accuracy_between_known(evaluation: Evaluation) -> Proportion:
    """Right answers among them when only the known classes are compared: how well these are told apart."""
    known = evaluation.known
    if not known.images:
        return Proportion(0, 0)
    return _counted(known.probabilities[:, : evaluation.known_count].argmax(axis=1) == known.truth)


def known_called_other(evaluation: Evaluation) -> Proportion:
    """Test images of known classes that were answered `other`."""
    known = evaluation.known
    return _counted(known.predicted >= evaluation.known_count)


def confusion_matrix(evaluation: Evaluation) -> NDArray[np.int64]:
    """How many test images of each class (row) were answered with each class (column), `other` last."""
    size = len(evaluation.labels)
    matrix = np.zeros((size, size), np.int64)
    np.add.at(matrix, (evaluation.test.truth, evaluation.test.predicted), 1)
    return matrix


def confused(evaluation: Evaluation, truth: int, predicted: int) -> list[EvaluatedImage]:
    """The images of one cell of the confusion matrix, the most confident answer first."""
    test = evaluation.test
    return _by_confidence(test, (test.truth == truth) & (test.predicted == predicted))


def by_class(evaluation: Evaluation) -> pd.DataFrame:
    """Of each class: label, images, answers, right, precision and recall (from 0 to 1, NaN of nothing)."""
    return of_matrix(confusion_matrix(evaluation), evaluation.labels)


def of_matrix(matrix: NDArray[np.int64], labels: Sequence[str]) -> pd.DataFrame:
    """As `by_class`, of a confusion matrix with a row and a column for each of these."""
    frame = pd.DataFrame(
        {
            "label": labels,
            "images": matrix.sum(axis=1),
            "answers": matrix.sum(axis=0),
            "right": matrix.diagonal(),
        }
    )
    return frame.assign(precision=frame["right"] / frame["answers"], recall=frame["right"] / frame["images"])


def worst_mistakes(evaluation: Evaluation, count: int) -> list[EvaluatedImage]:
    """The test images that were answered wrong with the highest confidence."""
    return _by_confidence(evaluation.test, ~evaluation.test.is_right)[:count]


def _by_confidence(answers: Answers, chosen: NDArray[np.bool_]) -> list[EvaluatedImage]:
    order = np.argsort(-answers.confidence, kind="stable")
    return [answers.images[place] for place in order if chosen[place]]


def _counted(are: NDArray[np.bool_]) -> Proportion:
    return Proportion(int(np.sum(are)), len(are))
