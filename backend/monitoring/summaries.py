"""Counts of captured records by time, confidence and class: from rollups, and for short ranges from the records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from backend.monitoring.bins import BINS, first_bin, quantiles
from backend.monitoring.rollups import LEVELS
from backend.monitoring.selection import HOUR, Selection

_COUNTED_ONE_BY_ONE: Final = 1_500_000
"""Records of a range that are counted themselves, for steps shorter than the rollups have; some 50 ms."""
_MICROSECOND: Final = timedelta(microseconds=1)
_Z: Final = 1.959964  # the normal distribution's quantile at 0.975
BANDS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Summary:
    """Records of a selection in steps of time, n of them, also those in which there was nothing.

    `counts` has shape (n, BINS), and so has `unknown`: those of them that were answered `other`, which pass at no
    threshold. `class_counts` has shape (n, number of `classes`). `lowest` has the least sure record of each step, in
    columns record_id, time, confidence and class_index. `selection` is what was counted: that which was asked for,
    widened to whole steps.
    """

    selection: Selection
    step: timedelta
    counts: NDArray[np.int64]
    unknown: NDArray[np.int64]
    classes: tuple[int, ...]
    class_counts: NDArray[np.int64]
    lowest: pd.DataFrame

    @property
    def records(self) -> int:
        return int(self.counts.sum())

    @property
    def known(self) -> NDArray[np.int64]:
        """Those of `counts` that are of a known class, and pass from some threshold on."""
        return self.counts - self.unknown

    def times(self) -> pd.DatetimeIndex:
        """Where each step begins, UTC."""
        return pd.date_range(self.selection.start, periods=len(self.counts), freq=pd.Timedelta(self.step))

    def merged(self, most: int) -> Summary:
        """The same in at most so many steps, each made of as many of these; `lowest` stays as it is."""
        together = -(-len(self.counts) // most)
        first = np.arange(0, len(self.counts), together)
        tables = (self.counts, self.unknown, self.class_counts)
        counts, unknown, class_counts = (np.add.reduceat(table, first) for table in tables)
        return replace(self, step=together * self.step, counts=counts, unknown=unknown, class_counts=class_counts)

    def passing(self, threshold: float) -> int:
        """How many records pass at this threshold: those of a known class with at least this confidence.

        Exact where it is an edge of the bins.
        """
        return int(self.known[:, first_bin(threshold) :].sum())

    def over_time(self, threshold: float | None) -> pd.DataFrame:
        """A row for each step with a record: time, records, quantiles p5 to p95 and, with a threshold, the pass rate.

        Columns pass_rate, pass_low and pass_high are the rate and its 95 % interval (Wilson's), from 0 to 1.
        """
        records = self.counts.sum(axis=1)
        frame = pd.DataFrame({"time": self.times(), "records": records})
        bands = quantiles(self.counts, BANDS)
        for column, share in enumerate(BANDS):
            frame[f"p{round(share * 100)}"] = bands[:, column]
        if threshold is not None:
            passing = self.known[:, first_bin(threshold) :].sum(axis=1)
            frame["pass_rate"] = np.divide(passing, records, out=np.full(len(records), np.nan), where=records > 0)
            frame["pass_low"], frame["pass_high"] = wilson(passing, records)
        return pd.DataFrame(frame.loc[records > 0]).reset_index(drop=True)

    def class_mix(self) -> pd.DataFrame:
        """The share of each class in each step with a record: column time, then one for each class index."""
        totals = self.class_counts.sum(axis=1)
        present = totals > 0
        shares = self.class_counts[present] / totals[present, None]
        frame = pd.DataFrame(shares, columns=list(self.classes))
        frame.insert(0, "time", self.times()[present])
        return frame


def wilson(successes: NDArray[np.int64], trials: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of a rate; NaN without a trial.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = successes / trials
        middle = rate + _Z**2 / (2 * trials)
        half = _Z * np.sqrt(rate * (1 - rate) / trials + _Z**2 / (4 * trials**2))
        scale = 1 + _Z**2 / trials
        return np.maximum((middle - half) / scale, 0.0), np.minimum((middle + half) / scale, 1.0)


def summarize(cursor: DuckDBPyConnection, selection: Selection, other: int | None = None) -> Summary:
    """Count the records of a selection, and find the least sure one of each step.

    `other` is the index of the class of what is of no known one; None where there is no such class.
    """
    step = selection.step()
    if step < HOUR and _records(cursor, selection) > _COUNTED_ONE_BY_ONE:
        step = HOUR
    relations = _of_records(selection.aligned(step), step) if step < HOUR else _of_rollups(selection, step)
    first, behind = selection.spans(step)
    counts, unknown = np.zeros((2, behind - first, BINS), np.int64)
    at, bins, counted, of_other = _counts(cursor, relations.counted, "bin", other)
    counts[at - first, bins] = counted
    unknown[at - first, bins] = of_other
    at, indexes, counted, _ = _counts(cursor, relations.counted, "class_index")
    classes = np.unique(indexes)
    class_counts = np.zeros((behind - first, len(classes)), np.int64)
    class_counts[at - first, np.searchsorted(classes, indexes)] = counted
    lowest = _least_sure(cursor, relations.listed)
    return Summary(selection.aligned(step), step, counts, unknown, tuple(map(int, classes)), class_counts, lowest)


@dataclass(frozen=True)
class _Relations:
    """SELECTs with their values: `counted` has columns step, class_index, bin and n, `listed` has a record's.

    A step goes by its number since 1970.
    """

    counted: tuple[str, list[Any]]
    listed: tuple[str, list[Any]]


def _of_records(selection: Selection, step: timedelta) -> _Relations:
    condition, values = selection.condition()
    at = f"epoch_us(time) // {step // _MICROSECOND} AS step"
    return _Relations(
        (f"SELECT {at}, class_index, bin, 1 AS n FROM records WHERE {condition}", values),  # noqa: S608
        (f"SELECT {at}, record_id, time, confidence, class_index FROM records WHERE {condition}", values),  # noqa: S608
    )


def _of_rollups(selection: Selection, step: timedelta) -> _Relations:
    """Of the coarsest level that the step is a multiple of."""
    hours = step // HOUR
    level = max(level for level in LEVELS if hours % level == 0)
    first, behind = selection.spans(step)
    condition, values = selection.condition_without_time()
    counted = f"""SELECT bucket // {hours // level} AS step, class_index, bin, n FROM histogram
        WHERE hours = {level} AND bucket >= ? AND bucket < ? AND {condition}"""  # noqa: S608
    listed = f"""SELECT hour // {hours} AS step, record_id, time, confidence, class_index FROM lowest
        WHERE hour >= ? AND hour < ? AND {condition}"""  # noqa: S608
    return _Relations(
        (counted, [first * hours // level, behind * hours // level, *values]),
        (listed, [first * hours, behind * hours, *values]),
    )


def _records(cursor: DuckDBPyConnection, selection: Selection) -> int:
    """How many there are, to the hour."""
    sql, values = _of_rollups(selection, HOUR).counted
    [(records,)] = cursor.execute(f"SELECT coalesce(sum(n), 0) FROM ({sql})", values).fetchall()  # noqa: S608
    return int(records)


def _counts(
    cursor: DuckDBPyConnection, counted: tuple[str, list[Any]], column: str, other: int | None = None
) -> list[NDArray[np.int64]]:
    """How many records have which step and which value of a column: steps, values, counts, those of class `other`."""
    sql, values = counted
    of_other = "0" if other is None else f"coalesce(sum(n) FILTER (class_index = {other}), 0)::BIGINT"
    found = cursor.execute(
        f"""SELECT step, {column}, sum(n)::BIGINT AS n, {of_other} AS of_other FROM ({sql})
        GROUP BY ALL HAVING sum(n) <> 0""",  # noqa: S608
        values,
    ).fetchnumpy()
    return [np.asarray(found[name], np.int64) for name in ("step", column, "n", "of_other")]


def _least_sure(cursor: DuckDBPyConnection, listed: tuple[str, list[Any]]) -> pd.DataFrame:
    sql, values = listed
    frame = cursor.execute(
        f"""SELECT least.* FROM (SELECT arg_min(struct_pack(record_id, time, confidence, class_index),
        struct_pack(confidence, record_id)) AS least FROM ({sql}) GROUP BY step) ORDER BY least.time""",  # noqa: S608
        values,
    ).df()
    return frame.assign(time=frame["time"].dt.tz_localize(UTC))
