"""Repeated requests: one picture sent again and again is one piece of news, however often it comes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

DISTANCE: Final = 10
"""Records. What comes again sooner is a repetition; traffic drawn from m pictures loses about 9 / m by it."""

Contents = NDArray[np.uint64]


def are_news(contents: Contents, last: Contents) -> NDArray[np.bool_]:
    """Which records are none of the last nine's request again; `last` are those before, the newest last.

    A content of 0 is unknown, and always news.
    """
    joined = np.concatenate([last, contents])
    order = np.argsort(joined, kind="stable")
    are_equal = joined[order][1:] == joined[order][:-1]
    distances = np.full(len(joined), DISTANCE)
    distances[order[1:][are_equal]] = np.diff(order)[are_equal]
    return np.asarray((distances >= DISTANCE) | (joined == 0))[len(last) :]


def newest(contents: Contents, last: Contents) -> Contents:
    """What is to be given as `last` with the next records."""
    return np.concatenate([last, contents])[-(DISTANCE - 1) :]
