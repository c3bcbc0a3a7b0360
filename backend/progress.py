"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")
Progress = Callable[[float, str], None]
"""Takes the fraction done, from 0 to 1, and a sentence; may raise, to cancel the work."""


def no_progress(fraction: float, message: str) -> None:
    """Nobody is watching."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the work, reported as the stretch from `start` to `end` of the whole."""

    def report(fraction: float, message: str) -> None:
        progress(start + fraction * (end - start), message)

    return report


def side_by_side(
    work: Callable[[_Item], _Done],
    items: Sequence[_Item],
    threads: int,
    progress: Progress,
    words: Callable[[int, int], str],
) -> list[_Done]:
    """What the work gives for each item, in the items' order; `words` says how many of how many are done.

    When one fails, or `progress` raises, none is begun any more.
    """
    with ThreadPoolExecutor(threads) as pool:
        begun = [pool.submit(work, item) for item in items]
        try:
            for done, future in enumerate(as_completed(begun), start=1):
                future.result()
                progress(done / len(begun), words(done, len(begun)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in begun]
