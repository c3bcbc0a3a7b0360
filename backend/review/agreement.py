"""How far two people agree on what pictures are.

Source: Cohen 1960, "A coefficient of agreement for nominal scales".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backend.evaluation import Proportion


@dataclass(frozen=True)
class Agreement:
    """On how many pictures two people agree, and Cohen's kappa.

    Kappa is 1 where they agree on all, 0 where no more often than by chance at how often each says what; None where
    both say the same of all, and there is nothing to tell from chance.
    """

    agreed: Proportion
    kappa: float | None


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """The agreement of the first with the second of each pair."""
    agreed = Proportion(sum(first == second for first, second in pairs), len(pairs))
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    by_chance = sum(count * seconds[label] for label, count in firsts.items())
    if agreed.share is None or by_chance == len(pairs) ** 2:
        return Agreement(agreed, None)
    chance = by_chance / len(pairs) ** 2
    return Agreement(agreed, (agreed.share - chance) / (1 - chance))
