"""How soon foreign images could be noticed is about how soon they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from backend.drift import Baseline, Detector, Feature, Records, foreign
from tests.backend.drift.made_up import CLASSES, records

PROMISE = 1_000


def mixed(made: Records, share: float, rng: np.random.Generator) -> Records:
    """Some with a probability of `other` as foreign images have it: mostly above that of known ones."""
    assert made.other is not None
    are_foreign = rng.random(len(made)) < share
    return replace(made, other=np.where(are_foreign, rng.beta(1.5, 1.5, len(made)), made.other))


def expected(share: float, *, usual: int = 2_200) -> float | None:
    rng = np.random.default_rng(0)
    known = records(2_000, rng)
    assert known.other is not None
    columns = Baseline.of(known, CLASSES).columns
    scores = mixed(known, 1, rng).other
    assert scores is not None
    return foreign.records_to_notice(
        known.other, scores, share, usual=usual, promise=PROMISE, columns=columns, feature=Feature.OTHER
    )


def noticed(share: float, seed: int) -> int:
    rng = np.random.default_rng(seed)
    found = Detector(Baseline.of(records(200, rng), CLASSES), PROMISE)
    for _ in range(4):
        found.feed(records(500, rng))
        found.acknowledge()
    before = found.state.records
    found.feed(mixed(records(4_000, rng), share, rng))
    return found.alarm.record + 1 - before if found.alarm is not None else 4_000


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_half_of_the_streams_are_noticed_within_the_expected_delay_and_not_in_a_third_of_it(share: float) -> None:
    found = expected(share)
    assert found is not None
    assert found / 3 < float(np.median([noticed(share, seed) for seed in range(40)])) < found * 1.1


def test_a_share_too_small_to_be_told_from_chance_has_no_delay() -> None:
    assert expected(0.002) is None


def test_what_was_usual_for_longer_is_left_sooner() -> None:
    soon, late = expected(0.05, usual=50_000), expected(0.05, usual=1_000)
    assert soon is not None
    assert late is None or soon < late


def test_how_well_a_score_tells_foreign_images_is_the_area_under_its_curve() -> None:
    rng = np.random.default_rng(0)
    known, others = rng.integers(0, 20, 300) / 20, rng.integers(5, 25, 90) / 20
    truth = np.repeat([0, 1], [300, 90])
    assert foreign.auroc(known, others) == pytest.approx(roc_auc_score(truth, np.concatenate([known, others])))
