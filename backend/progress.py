"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Takes the fraction done, from 0 to 1, and a sentence; may raise, to cancel the work."""


def no_progress(fraction: float, message: str) -> None:
    """Nobody is watching."""
