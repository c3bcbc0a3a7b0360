"""A thing that cleanup can delete, and how things of its kind are found and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backend.aws.environment import Environment
from backend.progress import Progress
from backend.wording import count_of


@dataclass(frozen=True)
class Found:
    """Something of this project that exists; `detail` says to a person what it is, holds or costs."""

    name: str
    detail: str


@dataclass(frozen=True)
class Kind:
    """How resources of one kind are found, and one of them, by its name, is deleted; what is gone already is no error.

    Both raise what boto3 raises, or a SconesError.
    """

    name: str
    find: Callable[[Environment], Iterator[Found]]
    delete: Callable[[Environment, str, Progress], None]


@dataclass(frozen=True)
class Resource:
    """Something of this project that exists, with the kind that it was found by."""

    kind: Kind
    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.name}"


def describe_content(sizes: Sequence[int], noun: str) -> str:
    """How many of something there are and how large they are together; `sizes` in bytes."""
    total = sum(sizes)
    volume = f"{total / 1e6:,.1f} MB" if total >= 1e6 else f"{total / 1e3:,.1f} kB"
    return f"{count_of(len(sizes), noun)}, {volume}"
