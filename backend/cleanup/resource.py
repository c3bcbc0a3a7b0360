"""A thing that cleanup can delete, and how things of its kind are found and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
class User:
    """Something that runs, and what it needs beside the bucket and the foundation, which all that runs needs."""

    title: str
    needs_any: bool = False
    """What it needs cannot be told, as it is changing or its configuration is gone: it may be any."""
    endpoint_configs: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    needs_artifacts: bool = False


@dataclass(frozen=True)
class Kind:
    """How resources of one kind are found, and one of them, by its name, is deleted; what is gone already is no error.

    Both raise what boto3 raises, or a SconesError. `is_needed` says whether a user needs the one of that name; where
    there is none, nothing is ever in use.
    """

    name: str
    find: Callable[[Environment], Iterator[Found]]
    delete: Callable[[Environment, str, Progress], None]
    is_needed: Callable[[User, str], bool] | None = None


@dataclass(frozen=True)
class Resource:
    """Something of this project that exists, with the kind that it was found by."""

    kind: Kind
    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.name}"

    def users(self, users: Iterable[User]) -> list[str]:
        """The titles of those among the users that need this."""
        is_needed = self.kind.is_needed
        return [user.title for user in users if is_needed is not None and is_needed(user, self.name)]


def by_all(_user: User, _name: str) -> bool:
    """What all that runs needs: the bucket and the foundation."""
    return True


def describe_content(sizes: Sequence[int], noun: str) -> str:
    """How many of something there are and how large they are together; `sizes` in bytes."""
    total = sum(sizes)
    volume = f"{total / 1e6:,.1f} MB" if total >= 1e6 else f"{total / 1e3:,.1f} kB"
    return f"{count_of(len(sizes), noun)}, {volume}"
