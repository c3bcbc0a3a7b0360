"""Counts and lists as sentences have them."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_NAMES = 5


def count_of(count: int, noun: str) -> str:
    """A number with its noun, in singular or plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def enumerated(names: Sequence[str]) -> str:
    """Names as a sentence has them: "a, b and c"; the tail of a long list is counted."""
    few = len(names) <= _MOST_NAMES
    shown = list(names) if few else [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
