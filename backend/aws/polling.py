"""Waiting for AWS: one loop, with growing pauses, that a progress call can end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from backend.errors import StillWaiting

_FIRST_PAUSE = 0.1
_GROWTH = 1.3
_LONGEST_PAUSE = 2.0


def attempts(what: str, timeout: float = math.inf, longest_pause: float = _LONGEST_PAUSE) -> Iterator[int]:
    """Number the attempts from 0, with a pause between them that grows from 0.1 s up to `longest_pause`.

    Leave the loop when what is awaited has come. Raises StillWaiting, which names `what`, after `timeout` seconds;
    the last attempt is not before that.
    """
    deadline = time.monotonic() + timeout
    pause = min(_FIRST_PAUSE, longest_pause)
    for number in count():
        is_last = time.monotonic() >= deadline
        yield number
        if is_last:
            raise StillWaiting(f"{what} takes longer than {timeout:.0f} seconds. Look at it again in a few minutes.")
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * _GROWTH, longest_pause)


@contextmanager
def goes_on(note: str) -> Iterator[None]:
    """Add to what ends the wait, a cancelled job among it, what AWS goes on doing nevertheless."""
    try:
        yield
    except BaseException as ended:
        ended.add_note(note)
        raise
