"""Property-based tests of what strangers hand in: content changed at random, the same changes in each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import AnyStr

from hypothesis import HealthCheck, settings


def with_changes(content: AnyStr, changes: Sequence[tuple[float, AnyStr, int]], end: float = 1.0) -> AnyStr:
    """The content with its changes: at a share of the first `end` of it, a value instead of so many bytes."""
    for share, value, deleted in changes:
        position = int(share * end * len(content))
        content = content[:position] + value + content[position + deleted :]
    return content


def repeated(changes: Sequence[tuple[float, AnyStr, int, int]]) -> list[tuple[float, AnyStr, int]]:
    """Changes whose values stand so many times as the third member says: what is long is short in a failure's words."""
    return [(share, value * times, deleted) for share, value, times, deleted in changes]


def run(examples: int, *checks: Callable[..., None]) -> None:
    """Run so many examples of each check, which `given` has decorated."""
    for check in checks:
        settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )(check)()
