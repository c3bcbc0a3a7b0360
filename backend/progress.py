"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Takes the fraction done, from 0 to 1, and a sentence; may raise, to cancel the work."""


def no_progress(fraction: float, message: str) -> None:
    """Nobody is watching."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the work, reported as the stretch from `start` to `end` of the whole."""

    def report(fraction: float, message: str) -> None:
        progress(start + fraction * (end - start), message)

    return report
