"""How many foreign images could be noticed at all, by the evaluation of the model and what the alarm promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.drift import Feature
from backend.drift.foreign import auroc, records_to_notice
from backend.drift_alarm.standing import Standing
from backend.evaluation import Evaluation
from backend.evaluation.record import Answers

SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_FEWEST: Final = 20
"""Foreign images of an evaluation by which anything is said."""


@dataclass(frozen=True)
class Noticing:
    """For shares of foreign images, at most how many records pass until the alarm tells; None of what is never noticed.

    `score` tells foreign images from known ones with the probability `auroc`, of `images` that were evaluated.
    """

    score: Feature
    auroc: float
    images: int
    records: dict[float, float | None]


def noticing(evaluation: Evaluation, standing: Standing) -> Noticing | None:
    """By the evaluated images of classes that the training never saw; None where they, or known ones, are too few."""
    foreign = Answers.of(image for image in evaluation.images if image.split != "test")
    known = evaluation.known
    if len(foreign.truth) < _FEWEST or len(known.truth) < _FEWEST:
        return None
    columns = list(standing.columns)
    other = evaluation.other_index
    has_other = other is not None and any(column.feature is Feature.OTHER for column in columns)
    score = Feature.OTHER if has_other else Feature.CONFIDENCE
    of_known, of_foreign = (
        np.asarray(answers.probabilities[:, other] if has_other else answers.confidence) for answers in (known, foreign)
    )
    usual = standing.watched.usual.baseline.records + standing.records
    records = {
        share: records_to_notice(
            of_known,
            of_foreign,
            share,
            usual=usual,
            promise=standing.watched.promise,
            columns=columns,
            feature=score,
        )
        for share in SHARES
    }
    separates = auroc(of_known, of_foreign)
    return Noticing(score, max(separates, 1 - separates), len(foreign.truth), records)
