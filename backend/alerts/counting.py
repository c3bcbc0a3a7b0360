"""What the cache of a source says of every window, in one query each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.alerts.figures import EPOCH, Question, Windows
from backend.monitoring import Selection
from backend.monitoring.sources import cache_path
from backend.monitoring.store import store_at

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Counts:
    """Of each window how many there are, and a value of them; NaN where there is none."""

    number: NDArray[np.int64]
    value: NDArray[np.float64]


def of_records(question: Question, windows: Windows, value: str, *values: Any) -> Counts:
    """Records by the time of their inference; `value` is an aggregate in SQL over their columns, with its values."""
    condition, of_condition = Selection(windows.start, windows.end, variant=question.variant).condition()
    at = _window_of("time", windows)
    sql = f"SELECT {at} AS window_number, count(*) AS n, {value} AS value FROM records WHERE {condition} GROUP BY 1"  # noqa: S608
    return _filled(question, windows, sql, [*values, *of_condition])


def of_files(question: Question, windows: Windows, number: str, value: str) -> Counts:
    """Capture files by the time of their delivery; both are aggregates in SQL over the columns of `files`."""
    _, values = Selection(windows.start, windows.end).condition()
    among, of_variant = Selection(windows.start, windows.end, variant=question.variant).condition_without_time()
    at = _window_of("delivered_at", windows)
    sql = f"""SELECT {at} AS window_number, {number} AS n, {value} AS value FROM files
        WHERE delivered_at >= ? AND delivered_at < ? AND {among} GROUP BY 1"""  # noqa: S608
    return _filled(question, windows, sql, [*values, *of_variant])


def last_before(question: Question, windows: Windows) -> int | None:
    """The time of the last record before all windows, in microseconds since 1970; None where there is none."""
    among, values = Selection(windows.start, windows.end, variant=question.variant).condition_without_time()
    sql = f"SELECT epoch_us(max(time)) FROM records WHERE time < ? AND {among}"  # noqa: S608
    rows = _rows(question, sql, [windows.start.replace(tzinfo=None), *values])
    return None if not rows or rows[0][0] is None else int(rows[0][0])


def labelled_records(question: Question, windows: Windows, limit: int) -> list[tuple[int, int, str | None, str | None]]:
    """Records that may have a label: window, class index, inference id and image's key; the newest `limit` of them."""
    condition, values = Selection(windows.start, windows.end, variant=question.variant).condition()
    at = _window_of("time", windows)
    sql = f"""SELECT {at}, class_index, inference_id, image_key FROM records
        WHERE {condition} AND (inference_id IS NOT NULL OR image_key IS NOT NULL)
        ORDER BY time DESC LIMIT {limit}"""  # noqa: S608
    return [(int(at), int(index), inference, key) for at, index, inference, key in _rows(question, sql, values)]


def _window_of(column: str, windows: Windows) -> str:
    """The number of the window that a time is in, as SQL."""
    first = (windows.start - EPOCH) // windows.period
    return f"(epoch_us({column}) // {windows.period // _MICROSECOND} - {first})"


def _filled(question: Question, windows: Windows, sql: str, values: list[Any]) -> Counts:
    counts = Counts(np.zeros(windows.count, np.int64), np.full(windows.count, np.nan))
    for at, number, value in _rows(question, sql, values):
        counts.number[at] = number
        counts.value[at] = np.nan if value is None else value
    return counts


def _rows(question: Question, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    store = store_at(cache_path(question.environment, question.source))
    return store.query(sql, values) if store.path.exists() else []
