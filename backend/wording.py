"""Counts, lists and names as sentences, paths and keys have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_MOST_NAMES = 5


def count_of(count: int, noun: str) -> str:
    """A number with its noun, in singular or plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def enumerated(names: Sequence[str]) -> str:
    """Names as a sentence has them: "a, b and c"; the tail of a long list is counted."""
    few = len(names) <= _MOST_NAMES
    shown = list(names) if few else [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def as_words(label: str) -> str:
    """A class's label as people read it: "pickup truck"."""
    return label.replace("_", " ")


def safe_name(name: str) -> str:
    """A file's own name, without folders, safe in a path and in an S3 key."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(name).name).lstrip(".")[-100:] or "upload"
