"""The promise of a threshold is kept, as often as it says; what is naively read off a curve is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from backend.evaluation import threshold
from backend.evaluation.record import Evaluation
from backend.evaluation.threshold import Candidates, Passed, curve, promise
from tests.backend.evaluation.answers import FIVE, KNOWN, drawn, evaluation, image

SETS = 2_000
NOISE = 3 * (0.05 * 0.95 / SETS) ** 0.5
"""Three standard deviations of a share of 5 % among so many sets."""


@dataclass(frozen=True)
class Population:
    """Images whose confidence is even between 0 and 1: how often one is wrong, and how often those above one are."""

    mistakes: Callable[[Any], Any]
    mistakes_above: Callable[[float], float]
    steps: float | None = None
    """Confidences come in steps of this, rounded down, so that many are alike."""

    def sample(self, rng: np.random.Generator, images: int) -> Candidates:
        confidence = rng.random(images)
        right = rng.random(images) >= self.mistakes(confidence)
        if self.steps:
            confidence = np.floor(confidence / self.steps) * self.steps
        return Candidates(confidence, right, images)

    def truth(self, at: float) -> float:
        """How often one is wrong whose confidence is equal to this or higher."""
        start = np.ceil(at / self.steps - 1e-9) * self.steps if self.steps else at
        return self.mistakes_above(float(start))


def populations(alpha: float) -> dict[str, Population]:
    """Populations that have a threshold with exactly `alpha` wrong, or none, or several."""
    slightly = alpha * 1.0001
    return {
        "never good enough": Population(lambda u: np.full_like(u, slightly), lambda _t: slightly),
        "better the surer": Population(lambda u: 4 * alpha * (1 - u), lambda t: 2 * alpha * (1 - t)),
        "falls off at one point, and is hardly too bad from there on": Population(
            lambda u: np.select([u > 0.6, u > 0.55], [0.0, 9 * slightly], slightly),
            lambda t: slightly if t <= 0.55 else max(0.0, 0.6 - t) * 9 * slightly / (1 - t),
        ),
        "worst where it is surest": Population(
            lambda u: np.select([u > 0.9, u > 0.5], [3.5 * alpha, 0.0], 2 * alpha),
            lambda t: (0.35 * alpha + max(0.0, 0.5 - t) * 2 * alpha) / (1 - t),
        ),
        "in steps": Population(lambda u: 4 * alpha * (1 - u), lambda t: 2 * alpha * (1 - t), steps=0.1),
        "in steps, never good enough": Population(lambda u: np.full_like(u, slightly), lambda _t: slightly, steps=0.25),
    }


def naive(candidates: Candidates, least_right: float) -> float | None:
    """The loosest threshold whose own images are right often enough: what one reads off a curve."""
    order = np.argsort(-candidates.confidence)
    accuracy = np.cumsum(candidates.is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(accuracy >= least_right)
    return float(candidates.confidence[order][enough[-1]]) if len(enough) else None


@pytest.mark.parametrize(("least_right", "images"), [(0.9, 200), (0.95, 400), (0.98, 1_000)])
@pytest.mark.parametrize("name", populations(0.1))
def test_a_promise_is_broken_at_most_as_often_as_it_says(name: str, least_right: float, images: int) -> None:
    population = populations(1 - least_right)[name]
    rng = np.random.default_rng(20_260_131)
    broken = naively_broken = 0
    for _ in range(SETS):
        candidates = population.sample(rng, images)
        chosen, picked = promise(candidates, least_right), naive(candidates, least_right)
        broken += chosen is not None and population.truth(chosen.threshold) > 1 - least_right
        naively_broken += picked is not None and population.truth(picked) > 1 - least_right
    assert broken / SETS <= 0.05 + NOISE
    assert naively_broken / SETS > 0.25  # five times as often, at least


def test_the_least_sequence_that_can_be_refuted_is_worth_its_level() -> None:
    """Were it much less than 5 %, images would be wasted: one hypothesis, just true, whose level is nearly reached."""
    rng = np.random.default_rng(1)
    population = populations(0.05)["never good enough"]
    broken = np.mean([promise(population.sample(rng, 200), 0.95) is not None for _ in range(SETS)])
    level = binom.cdf(0, 60, 0.05)  # the strictest rank, 30 %, has 60 images
    assert broken == pytest.approx(level, abs=NOISE)


def candidates(*answers: tuple[float, bool], images: int | None = None) -> Candidates:
    confidence, right = zip(*answers, strict=True)
    return Candidates(np.array(confidence), np.array(right), images or len(answers))


def even(count: int, wrong: int = 0) -> Candidates:
    """Confidences between 0.5 and 1; the least sure ones are wrong."""
    confidence = np.linspace(0.9999, 0.5001, count)
    return Candidates(confidence, np.arange(count) < count - wrong, count)


def test_a_promise_is_what_the_exact_bound_of_its_threshold_gives() -> None:
    chosen = promise(even(400, wrong=30), 0.95)
    assert chosen is not None
    assert (chosen.count, chosen.wrong) == (380, 10)  # 95 % of them; of all 400, 30 are wrong
    assert chosen.at_least_right() == pytest.approx(1 - beta.ppf(0.95, 10 + 1, 380 - 10))
    assert chosen.at_least_right() >= 0.95
    exact = binomtest(370, 380, alternative="greater").proportion_ci(0.95, method="exact").low
    assert chosen.at_least_right() == pytest.approx(exact)


def test_the_sequence_ends_at_the_first_rank_that_is_not_refuted() -> None:
    """A looser one that would do is not looked at: so no correction is needed."""
    confidence, right = np.linspace(0.99, 0.5, 400), np.ones(400, bool)
    right[130:136] = False  # among the second rank's 140, not among the first's 120
    assert binom.cdf(0, 120, 0.05) <= 0.05
    assert binom.cdf(6, 140, 0.05) > 0.05
    assert binom.cdf(6, 400, 0.05) <= 0.05
    chosen = promise(Candidates(confidence, right, 400), 0.95)
    assert chosen is not None
    assert chosen.count == 120


def test_ranks_that_pass_too_few_for_any_promise_do_not_end_the_sequence() -> None:
    chosen = promise(even(160), 0.98)
    assert chosen is not None
    assert chosen.count == 160  # 149 are needed: 30 % of 160 could never do


@pytest.mark.parametrize(("least_right", "needed"), [(0.9, 29), (0.95, 59), (0.97, 99), (0.98, 149), (0.99, 299)])
def test_so_many_are_needed_without_a_mistake(least_right: float, needed: int) -> None:
    assert threshold.needed_without_mistake(least_right) == needed
    assert Passed(0.5, needed, 0, needed).refutes(least_right)
    assert not Passed(0.5, needed - 1, 0, needed).refutes(least_right)


@pytest.mark.parametrize(("least_right", "mistakes", "needed"), [(0.95, 1, 93), (0.95, 3, 153), (0.98, 2, 313)])
def test_so_many_are_needed_with_mistakes(least_right: float, mistakes: int, needed: int) -> None:
    assert Passed(0.5, needed, mistakes, needed).refutes(least_right)
    assert not Passed(0.5, needed - 1, mistakes, needed).refutes(least_right)


def test_at_the_observed_mistakes_enough_is_the_least_that_does() -> None:
    needed = threshold.needed_at(0.02, 0.95)
    assert needed is not None
    does = [count for count in range(1, 1_000) if binom.cdf(np.ceil(0.02 * count), count, 0.05) <= 0.05]
    assert needed == does[0]
    assert threshold.needed_at(0, 0.98) == 149
    assert threshold.needed_at(0.05, 0.95) is None
    assert threshold.needed_at(0.0499999, 0.95) is None


def test_where_the_images_do_not_suffice_it_is_said_how_many_might() -> None:
    few = even(100)
    assert promise(few, 0.98) is None
    assert threshold.needed_images(few, 0.98) == 149  # all pass, none wrong
    half = Candidates(few.confidence, few.is_right, 200)  # as many again were answered `other`
    assert threshold.needed_images(half, 0.98) == 298
    bad = Candidates(few.confidence, np.arange(100) % 5 > 0, 100)
    assert threshold.needed_images(bad, 0.98) is None


@pytest.mark.parametrize("least_right", [0.9, 0.99])
def test_without_any_image_nothing_is_promised(least_right: float) -> None:
    none = Candidates(np.array([]), np.array([], bool), 0)
    assert promise(none, least_right) is None
    assert threshold.needed_images(none, least_right) is None
    assert none.passed(0.5) == Passed(0.5, 0, 0, 0)
    assert none.passed(0.5).accuracy is None
    assert curve(none).empty


def test_equal_confidences_pass_together() -> None:
    alike = candidates((0.9, True), (0.9, False), (0.9, True), (0.8, True), (0.7, False))
    assert alike.passed(0.9) == Passed(0.9, 3, 1, 5)
    assert alike.passed(0.90001).count == 0
    assert alike.passed(0.8).count == 4
    assert {rank.count for rank in alike.ranks()} <= {3, 4, 5}


def test_where_most_are_without_any_doubt_ranks_begin_with_all_of_these() -> None:
    sure = Candidates(np.r_[np.ones(300), np.linspace(0.99, 0.5, 100)], np.ones(400, bool), 400)
    assert next(sure.ranks()).count == 300
    chosen = promise(sure, 0.99)
    assert chosen is not None
    assert chosen.count == 400


def test_a_rank_passes_the_images_that_its_threshold_passes() -> None:
    many = Candidates.of(drawn(FIVE, 500, 3))
    for rank in many.ranks():
        passed = many.confidence >= rank.threshold
        assert rank == Passed(rank.threshold, int(passed.sum()), int((passed & ~many.is_right).sum()), 500)


def test_a_threshold_has_no_more_decimals_than_it_needs() -> None:
    chosen = [rank.threshold for rank in even(11).ranks()]
    assert chosen[-1] == 0
    assert all(len(str(value)) <= 5 for value in chosen)


def test_an_answer_other_never_passes_and_does_not_count_among_the_passed() -> None:
    labels = (*KNOWN, "other")
    evaluated = evaluation(
        labels,
        [
            image(0, 0, 0.95, 0.05, 0.0),
            image(1, 0, 0.0, 0.01, 0.99),  # a known one called other
            image(2, 1, 0.92, 0.08, 0.0),  # wrong
            image(3, 2, 0.99, 0.01, 0.0),  # no known one: the promise is not about it
            image(4, None, 0.99, 0.01, 0.0, split="foreign"),
        ],
    )
    found = Candidates.of(evaluated)
    assert found.images == 3
    assert found.passed(0.0) == Passed(0.0, 2, 1, 3)
    assert found.passed(0.93) == Passed(0.93, 1, 0, 3)
    assert found.passed(0.93).coverage == pytest.approx(1 / 3)


def test_the_curve_is_of_every_threshold_with_its_exact_interval() -> None:
    evaluated: Evaluation = drawn((*KNOWN, "other"), 300, 5)
    known = [item for item in evaluated.images if item.label_index in (0, 1)]
    rows = curve(Candidates.of(evaluated))
    assert rows["threshold"].is_monotonic_decreasing
    assert len(rows) == len({max(item.probabilities) for item in known if item.predicted_index != 2})
    for row in (SimpleNamespace(**dict(zip(rows.columns, row, strict=True))) for row in rows.to_numpy(object)):
        passed = [item for item in known if item.predicted_index != 2 and max(item.probabilities) >= row.threshold]
        right = sum(item.predicted_index == item.label_index for item in passed)
        exact = binomtest(right, len(passed)).proportion_ci(0.95, method="exact")
        assert row.coverage == pytest.approx(len(passed) / len(known))
        assert row.accuracy == pytest.approx(right / len(passed))
        assert (row.accuracy_low, row.accuracy_high) == pytest.approx((exact.low, exact.high))


def test_costs_are_of_wrong_ones_that_pass_and_of_checks_of_those_that_do_not() -> None:
    rows = threshold.costs(candidates((0.9, True), (0.8, False), (0.7, True), images=4), 10, 1)
    assert rows["cost"].tolist() == [75, 300, 275]  # 3 checks; 2 and a mistake; 1 and a mistake; of 4, for 100


def test_further_images_count_as_they_come() -> None:
    few, more = even(100), even(60)
    together = few.joined(more)
    assert together.images == 160
    assert promise(few, 0.98) is None
    chosen = promise(together, 0.98)
    assert chosen is not None
    assert chosen.count == 160
