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

_HOUR: Final = timedelta(hours=1)
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
    """The time of the last record before all windows, in microseconds since 1970; None where there is none.

    It is in one of the last two hours before them that have a record, which the counts by hour tell.
    """
    among, values = Selection(windows.start, windows.end, variant=question.variant).condition_without_time()
    hour = (windows.start - EPOCH) // _HOUR
    hours = f"""SELECT bucket FROM histogram WHERE hours = 1 AND bucket <= ? AND {among}
        GROUP BY bucket HAVING sum(n) > 0 ORDER BY bucket DESC LIMIT 2"""  # noqa: S608
    found = _rows(question, hours, [hour, *values])
    if not found:
        return None
    first = EPOCH + int(found[-1][0]) * _HOUR
    before, of_before = Selection(first, windows.start, variant=question.variant).condition()
    [(last,)] = _rows(question, f"SELECT epoch_us(max(time)) FROM records WHERE {before}", of_before)  # noqa: S608
    return None if last is None else int(last)


def each_record(question: Question, windows: Windows, limit: int) -> list[tuple[int, int, str | None, str | None]]:
    """The window, class index, inference id and image's key of each record, the newest first; at most `limit`."""
    condition, values = Selection(windows.start, windows.end, variant=question.variant).condition()
    at = _window_of("time", windows)
    sql = f"""SELECT {at}, class_index, inference_id, image_key FROM records
        WHERE {condition} ORDER BY time DESC LIMIT {limit}"""  # noqa: S608
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
