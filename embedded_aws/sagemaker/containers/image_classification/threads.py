"""How many threads a training step should have, on a machine that does other things as well.

The threads of one step wait for each other some hundred times, in a loop that takes a core. While cores are free, more
threads are faster. Where another process needs a core, every wait lasts until that thread gets its turn: two threads
beside two busy processes took four times as long as one. So now and then a few steps are timed with each number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

_UNTIMED, _TIMED = 1, 3  # steps of each number in a round; the first after a change is not like the others
_REST_SECONDS = 5.0  # between two rounds, at least
_REST_ROUNDS = 10  # so many times a round's own time, which is long where one of the numbers is slow
_CLEARLY = 0.9
"""Another number is taken when its steps take less than this share of the time: they vary by themselves."""
_HOPELESS = 3.0
"""After a step of so many times another number's time, no more steps are timed with this one."""


def counts_to_try(variables: Mapping[str, str], most: int) -> tuple[int, ...]:
    """`most`, its half, and so on down to 1; `most` alone where a person set the number (`OMP_NUM_THREADS`)."""
    if "OMP_NUM_THREADS" in variables or most == 1:
        return (most,)
    return (most, *counts_to_try(variables, most // 2))


class ThreadChooser:
    """Told how long each step took, it says how many threads the next one should have; it has no clock of its own.

    A round times the chosen number and its neighbors, and goes on with those of the fastest; then comes a rest.
    """

    def __init__(self, counts: tuple[int, ...]) -> None:
        self._counts = counts
        self._chosen = counts[0]
        self._costs: dict[int, float] = {}
        self._times: list[float] = []
        self._round_seconds = 0.0
        self._rest = 0.0
        self._untried = self._neighbors()

    @property
    def threads(self) -> int:
        """The number for the next step."""
        return self._untried[0] if self._untried else self._chosen

    def took(self, seconds: float, images: int) -> None:
        """A step with `threads` threads, on so many images, took so many seconds."""
        if self._untried:
            self._try(seconds, images)
        else:
            self._rest -= seconds
            if self._rest <= 0:
                self._untried = self._neighbors()

    def _try(self, seconds: float, images: int) -> None:
        self._round_seconds += seconds
        self._times.append(seconds / images)
        timed = self._times[_UNTIMED:]
        if len(timed) == _TIMED or (timed and timed[0] > _HOPELESS * min(self._costs.values(), default=math.inf)):
            self._costs[self._untried.pop(0)] = median(timed)
            self._times = []
        if not self._untried:
            self._choose()

    def _choose(self) -> None:
        """Choose the fastest; a neighbor of it that was not timed in this round is timed now."""
        fastest = min(self._costs, key=self._costs.__getitem__)
        if self._costs[fastest] < _CLEARLY * self._costs[self._chosen]:
            self._chosen = fastest
        self._untried = [count for count in self._neighbors() if count not in self._costs]
        if not self._untried:
            self._rest = max(_REST_SECONDS, _REST_ROUNDS * self._round_seconds)
            self._costs, self._round_seconds = {}, 0.0

    def _neighbors(self) -> list[int]:
        """The chosen number, the next smaller and the next larger one, from few to many, as few are never very slow.

        None where there is no choice.
        """
        at = self._counts.index(self._chosen)
        found = self._counts[max(at - 1, 0) : at + 2]
        return sorted(found) if len(found) > 1 else []
