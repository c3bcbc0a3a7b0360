"""A bet's factor is 1 on average while ranks are uniform; what it wins is what the recursion says, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from backend.drift.bets import Bet, Factors, Kind, Winnings, bets_on
from backend.drift.features import Column, Feature

COLUMNS = [Column(Feature.CONFIDENCE), Column(Feature.CLASS, 0), Column(Feature.CLASS, 1), Column(Feature.OTHER)]


def test_the_mean_factor_of_each_bet_is_one_while_ranks_are_uniform() -> None:
    bets, _ = bets_on(COLUMNS)
    factors = Factors(bets)
    for place, bet in enumerate(bets):
        mean, _ = integrate.quad(
            lambda rank, place=place: factors.of(np.full((1, len(COLUMNS)), rank))[0, place],
            0,
            1,
            points=[0.02, 0.05, 0.1, 0.9, 0.95, 0.98],
        )
        assert mean == pytest.approx(1, abs=1e-6), bet


def test_each_feature_has_the_same_weight_half_for_its_mean_and_half_for_its_tails() -> None:
    bets, weights = bets_on(COLUMNS)
    assert weights.sum() == pytest.approx(1)

    def weight(feature: Feature, *kinds: Kind) -> float:
        are = [COLUMNS[bet.column].feature is feature and bet.kind in kinds for bet in bets]
        return float(weights[np.array(are)].sum())

    assert weight(Feature.CONFIDENCE, Kind.MEAN) == pytest.approx(1 / 6)
    assert weight(Feature.CONFIDENCE, Kind.UPPER) == pytest.approx(1 / 12)
    assert weight(Feature.CONFIDENCE, Kind.LOWER) == pytest.approx(1 / 12)
    assert weight(Feature.OTHER, Kind.MEAN) == pytest.approx(1 / 6)
    assert weight(Feature.OTHER, Kind.UPPER) == pytest.approx(1 / 6)
    assert weight(Feature.CLASS, Kind.MEAN) == pytest.approx(1 / 3)


def test_the_factors_of_some_ranks_are_those_of_the_formula() -> None:
    """A stake in equal parts on ranks above 0.9, 0.95 and 0.98, which pay 10, 20 and 50 times; or on the opposite."""
    found = Factors([Bet(0, Kind.MEAN, 1.8), Bet(0, Kind.UPPER, 0.3), Bet(0, Kind.LOWER, 0.1)]).of(
        np.array([[0.96], [0.01], [np.nan]])
    )
    upper, lower = 0.7 + 0.3 * (10 + 20) / 3, 0.9 + 0.1 * (10 + 20 + 50) / 3
    assert found[:2] == pytest.approx(np.array([[1 + 1.8 * 0.46, upper, 0.9], [1 - 1.8 * 0.49, 0.7, lower]]))
    assert np.isnan(found[2]).all()


@pytest.fixture
def factors() -> np.ndarray:
    rng = np.random.default_rng(3)
    drawn = np.exp(rng.normal(-0.02, 0.4, (300, 5)))
    drawn[rng.random((300, 5)) < 0.1] = np.nan
    return drawn


def test_what_is_won_is_what_the_recursion_says_in_pieces_as_at_once(factors: np.ndarray) -> None:
    winnings, expected = Winnings.none(5), np.zeros(5)
    for start in range(0, 300, 70):
        part = factors[start : start + 70]
        won = winnings.over(part)
        for row, found in zip(part, won, strict=True):
            expected = np.where(np.isnan(row), expected, (expected + 1) * np.nan_to_num(row))
            assert found == pytest.approx(expected)
        winnings = winnings.after(part, won, start, np.arange(start, start + len(part)))


def test_since_is_the_entry_that_would_have_won_most(factors: np.ndarray) -> None:
    winnings = Winnings.none(5)
    for start in range(0, 300, 70):
        part = factors[start : start + 70]
        winnings = winnings.after(part, winnings.over(part), start, np.arange(start, start + len(part)) * 10)
    logs = np.log(np.where(np.isnan(factors), 1, factors))
    from_each = np.cumsum(logs[::-1], axis=0)[::-1]  # what an entry with each record has won at the end
    assert winnings.best == pytest.approx(from_each.max(axis=0))
    assert winnings.since.tolist() == from_each.argmax(axis=0).tolist()
    assert winnings.since_time.tolist() == (winnings.since * 10).tolist()


def test_the_largest_losses_and_gains_of_a_hundred_records_are_still_numbers() -> None:
    bets, _ = bets_on(COLUMNS)
    rich = Winnings.none(len(bets))
    rich.won += 1e7
    low, high = np.zeros((50, 4)), np.ones((50, 4))
    for ranks in ([low, low], [high, high], [low, high], [high, low]):
        assert np.isfinite(rich.over(Factors(bets).of(np.concatenate(ranks)))).all()
