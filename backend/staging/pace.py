"""How fast bytes arrive, and how long the rest of them takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SPAN_SECONDS = 10.0  # that the rate is taken over: a connection's first seconds are slow, and a stall soon forgotten


class Pace:
    """The pace of a transfer; `total` is its size in bytes, 0 where nobody knows it."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def describe(self, done: int) -> str:
        """What is there so far, in words: "Downloaded 12.3 of 169.0 MB at 3.2 MB/s, 49 s left."."""
        rate = self._rate(done)
        size = f"{done / 1e6:,.1f} of {self._total / 1e6:,.1f} MB" if self._total else f"{done / 1e6:,.1f} MB"
        if rate is None:
            return f"Downloaded {size}."
        left = f", {_duration((self._total - done) / rate)} left" if rate and self._total > done else ""
        return f"Downloaded {size} at {_speed(rate)}{left}."

    def _rate(self, done: int) -> float | None:
        """In bytes a second, over the last seconds; None before there is any time to take it over."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _SPAN_SECONDS:
            self._seen.popleft()
        begun, before = self._seen[0]
        return (done - before) / (now - begun) if now - begun >= 1.0 else None


def _speed(rate: float) -> str:
    return f"{rate / 1e6:.1f} MB/s" if rate >= 1e5 else f"{rate / 1e3:.1f} kB/s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
