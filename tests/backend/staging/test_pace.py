"""How fast bytes arrive, in words."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from backend.staging.pace import Pace


def described(total: int, *seen: tuple[float, int]) -> str:
    """What is said at the last of these times, in seconds, with so many bytes there."""
    times: Iterable[float] = iter([time for time, _ in seen])
    pace = Pace(total, lambda: next(times))  # type: ignore[call-overload]
    return [pace.describe(done) for _, done in seen][-1]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([(0.0, 100_000)], "Downloaded 0.1 of 169.0 MB."),
        ([(0.0, 0), (0.5, 9_000_000)], "Downloaded 9.0 of 169.0 MB."),
        ([(0.0, 0), (2.0, 9_000_000)], "Downloaded 9.0 of 169.0 MB at 4.5 MB/s, 36 s left."),
        ([(0.0, 0), (4.0, 2_000)], "Downloaded 0.0 of 169.0 MB at 0.5 kB/s, 94 h left."),
        ([(0.0, 50_000_000), (1.0, 50_500_000)], "Downloaded 50.5 of 169.0 MB at 0.5 MB/s, 4 min left."),
        ([(0.0, 0), (2.0, 0)], "Downloaded 0.0 of 169.0 MB at 0.0 kB/s."),
        ([(0.0, 0), (2.0, 169_000_000)], "Downloaded 169.0 of 169.0 MB at 84.5 MB/s."),
    ],
)
def test_rate_and_time_left_are_told_once_there_is_time_to_take_them_over(
    seen: list[tuple[float, int]], said: str
) -> None:
    assert described(169_000_000, *seen) == said


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """10 MB/s at first, then 1 MB/s."""
    fast = [(float(second), 10_000_000 * second) for second in range(5)]
    slow = [(float(second), 40_000_000 + 1_000_000 * (second - 4)) for second in range(5, 30)]
    assert described(169_000_000, *fast, *slow) == "Downloaded 65.0 of 169.0 MB at 1.0 MB/s, 2 min left."


def test_of_a_size_that_nobody_knows_no_time_is_left() -> None:
    assert described(0, (0.0, 0), (2.0, 4_000_000)) == "Downloaded 4.0 MB at 2.0 MB/s."
