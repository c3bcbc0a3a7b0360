"""How many foreign images could be noticed at all, before any has come: arithmetic on an evaluation's answers.

Known and foreign images differ in a score, the probability of `other` or the confidence. Where a share of the traffic
becomes foreign, a bet on the score's rank grows by a known rate a record; that, the promise and what was usual until
then give the records that it takes.
"""

from __future__ import annotations

import numpy as np

from backend.drift.bets import Factors, bets_on
from backend.drift.features import Column, Feature
from backend.drift.records import Floats

_KNOWN_RANKS = (np.arange(10_000) + 0.5) / 10_000
_LOOKED_AT = np.geomspace(1, 1e6, 600)
"""Numbers of records, each 2 % above the one before."""


def auroc(known: Floats, foreign: Floats) -> float:
    """The probability that a foreign image's score is above a known one's; equal ones count half.

    Source: Mann and Whitney's U, divided by the pairs.
    """
    return float(np.mean(_ranks(known, foreign)))


def records_to_notice(
    known: Floats, foreign: Floats, share: float, *, usual: int, promise: int, columns: list[Column], feature: Feature
) -> float | None:
    """At most about how many records pass until the alarm tells of this share of foreign ones; None for over a million.

    `known` and `foreign` are an evaluation's scores of this feature, `usual` the records that it was learned from: the
    baseline's and those since. A bet that grows by g a record has won about exp(g k) / g after k of them, as it is
    entered anew with each. The alarm learns what comes as well: after k records beside n usual ones the shift is
    smaller by n / (n + k), so that evidence does not grow beyond what n records of the whole shift would give.
    Chance helps: half of simulated streams were noticed after 0.4 to 1 of it.
    """
    bets, weights = bets_on(columns)
    are_of_it = np.array([columns[bet.column].feature is feature for bet in bets])
    ranks = np.repeat(_ranks(known, foreign)[:, None], len(columns), axis=1)
    usually = np.repeat(_KNOWN_RANKS[:, None], len(columns), axis=1)
    logs = [np.log(Factors(bets).of(part)).mean(axis=0) for part in (usually, ranks)]
    growths = (1 - share) * logs[0] + share * logs[1]
    grow = are_of_it & (growths > 0)
    records = usual * _LOOKED_AT / (usual + _LOOKED_AT)
    won = np.exp(np.minimum(np.outer(records, growths[grow]), 700)) * (weights[grow] / growths[grow])
    reached = np.flatnonzero(won.sum(axis=1) >= promise)
    return float(_LOOKED_AT[reached[0]]) if len(reached) else None


def _ranks(known: Floats, foreign: Floats) -> Floats:
    """The share of known scores below each foreign one, half of equal ones counted."""
    ordered = np.sort(known)
    below, until = (np.searchsorted(ordered, foreign, side) for side in ("left", "right"))
    return np.asarray((below + until) / 2 / len(ordered))
