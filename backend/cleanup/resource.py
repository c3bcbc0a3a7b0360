"""A thing that cleanup can delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backend.environment import Environment
from backend.wording import count_of


@dataclass(frozen=True)
class Resource:
    """Something of this project that exists; `detail` says to a person what it is, holds or costs."""

    kind: str
    name: str
    detail: str
    arn: str | None = None


@dataclass(frozen=True)
class Kind:
    """How resources of one kind are found, and one of them is deleted; what is gone already is no error.

    Both raise what boto3 raises, or a SconesError.
    """

    name: str
    find: Callable[[Environment], Iterator[Resource]]
    delete: Callable[[Environment, Resource], None]


def describe_content(sizes: Sequence[int], noun: str) -> str:
    """How many of something there are and how large they are together; `sizes` in bytes."""
    total = sum(sizes)
    volume = f"{total / 1e6:,.1f} MB" if total >= 1e6 else f"{total / 1e3:,.1f} kB"
    return f"{count_of(len(sizes), noun)}, {volume}"
