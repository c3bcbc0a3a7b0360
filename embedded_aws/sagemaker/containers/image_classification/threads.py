"""How many threads a training step should have, on a machine that does other things as well.

The threads of one step wait for each other some hundred times, in a loop that takes a core. While cores are free, more
threads are faster. Where another process needs a core, every wait lasts until that thread gets its turn: two threads
beside two busy processes took four times as long as one. So now and then a few steps are timed with each number.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

_UNTIMED, _TIMED = 1, 3  # steps of each number in a round; the first after a change is not like the others
_REST_SECONDS = 5.0  # between two rounds, at least
_REST_ROUNDS = 10  # so many times a round's own time, which is long where one of the numbers is slow
_CLEARLY = 0.9
"""Another number is taken when its steps take less than this share of the time: they vary by themselves."""


def counts_to_try(variables: Mapping[str, str], most: int) -> tuple[int, ...]:
    """`most`, its half, and so on down to 1; `most` alone where a person set the number (`OMP_NUM_THREADS`)."""
    if "OMP_NUM_THREADS" in variables or most == 1:
        return (most,)
    return (most, *counts_to_try(variables, most // 2))


class ThreadChooser:
    """Told how long each step took, it says how many threads the next one should have; it has no clock of its own.

    A round times the chosen number and its neighbors, and the fastest is chosen. After a change the next round comes
    at once, otherwise after a rest.
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
        if len(self._times) == _UNTIMED + _TIMED:
            self._costs[self._untried.pop(0)] = median(self._times[_UNTIMED:])
            self._times = []
        if not self._untried:
            self._choose()

    def _choose(self) -> None:
        fastest = min(self._costs, key=self._costs.__getitem__)
        if self._costs[fastest] < _CLEARLY * self._costs[self._chosen]:
            self._chosen = fastest
            self._untried = self._neighbors()
        else:
            self._rest = max(_REST_SECONDS, _REST_ROUNDS * self._round_seconds)
        self._costs, self._round_seconds = {}, 0.0

    def _neighbors(self) -> list[int]:
        """The chosen number, the next smaller and the next larger one; none where there is no choice."""
        at = self._counts.index(self._chosen)
        others = self._counts[at + 1 : at + 2] + self._counts[max(at - 1, 0) : at]
        return [self._chosen, *others] if others else []
