"""Single captured records: found by time, by confidence, by lot, and beside each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from backend.monitoring.bins import BINS, bins_of
from backend.monitoring.rollups import KEPT_LOWEST
from backend.monitoring.selection import EVERY_CONFIDENCE, HOUR, Selection, hour_at

COLUMNS: Final = ("record_id", "time", "confidence", "class_index", "inference_id")
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM records"  # noqa: S608  our own words
_DRAWN_HOURS: Final = 12
_DAY: Final = 24
_ORDERS: Final = (("<", "DESC"), (">", "ASC"))


def records(cursor: DuckDBPyConnection, selection: Selection, limit: int) -> pd.DataFrame | None:
    """All records of a selection in the order of time, or None when they are more than `limit`."""
    condition, values = selection.condition()
    found = _frame(cursor, f"{_SELECT} WHERE {condition} LIMIT {limit + 1}", values)
    return None if len(found) > limit else found.sort_values(["time", "record_id"], ignore_index=True)


def lowest(cursor: DuckDBPyConnection, selection: Selection, limit: int = KEPT_LOWEST) -> pd.DataFrame:
    """The least sure records of a selection, at most `KEPT_LOWEST`, the least sure first."""
    hours = selection.within(HOUR)
    parts = [("lowest", hours), ("records", replace(selection, end=min(hours.start, selection.end)))]
    parts.append(("records", replace(selection, start=max(hours.end, hours.start))))
    found = []
    for table, part in parts:
        condition, values = part.condition()
        found += cursor.execute(
            f"SELECT confidence, record_id FROM {table} WHERE {condition} ORDER BY ALL LIMIT {KEPT_LOWEST}",  # noqa: S608
            values,
        ).fetchall()
    chosen = sorted(found)[: min(limit, KEPT_LOWEST)]
    return by_ids(cursor, [record_id for _, record_id in chosen])


def newest(
    cursor: DuckDBPyConnection,
    selection: Selection,
    limit: int,
    confidence: tuple[float, float] = EVERY_CONFIDENCE,
    other: int | None = None,
) -> pd.DataFrame:
    """The newest records of a selection with a confidence from the first number to below the second, newest first.

    Those of the class `other` are meant too, whatever their confidence.
    """
    since = selection.start
    for hours in (_DAY, 1):  # what is newest is in few hours, mostly
        begins, counts = _counts(cursor, replace(selection, start=since), hours, confidence, other)
        behind = np.flatnonzero(counts[::-1].cumsum() >= 2 * limit)  # twice: a bin may reach beyond what is meant
        if len(behind):
            since = max(since, hour_at(int(begins[::-1][behind[0]])))
    found = _newest_since(cursor, replace(selection, start=since), limit, confidence, other)
    return found if len(found) == limit else _newest_since(cursor, selection, limit, confidence, other)


def sample(cursor: DuckDBPyConnection, selection: Selection, limit: int, seed: int) -> pd.DataFrame:
    """Records of a selection by lot, each as likely as another, in the order of time; the same for the same seed.

    They are from a dozen hours, drawn by how many records each has.
    """
    few = records(cursor, selection, limit)
    if few is not None:
        return few
    hours, counts = _counts(cursor, selection, 1, EVERY_CONFIDENCE)
    parts = [_overlap(selection, int(hour)) for hour in hours]
    weights = counts.astype(float)
    for end in {0, len(parts) - 1}:  # of which the selection may have only a part
        weights[end] = len(_ids(cursor, parts[end]))
    generator = np.random.default_rng(seed)
    drawn = generator.choice(len(parts), _DRAWN_HOURS, p=weights / weights.sum())
    chosen: list[int] = []
    for part, times in zip(*np.unique(drawn, return_counts=True), strict=True):
        there = _ids(cursor, parts[part])
        wanted = min(len(there), -(-limit // _DRAWN_HOURS) * int(times))
        chosen += generator.choice(there, wanted, replace=False).tolist()
    found = by_ids(cursor, generator.permutation(chosen)[:limit].tolist())
    return found.sort_values(["time", "record_id"], ignore_index=True)


def beside(cursor: DuckDBPyConnection, selection: Selection, record_id: int) -> tuple[int | None, int | None]:
    """The records before and behind this one in the order of time among those of a selection; None at either end."""
    found = cursor.execute("SELECT time FROM records WHERE record_id = ?", [record_id]).fetchall()
    if not found:
        return None, None
    time = found[0][0].replace(tzinfo=UTC)
    hour = int(time.timestamp() // 3600)
    before, behind = (_nearest(cursor, _overlap(selection, hour), record_id, time, order) for order in _ORDERS)
    if before is None or behind is None:
        hours, _ = _counts(cursor, selection, 1, EVERY_CONFIDENCE)
        for other in hours[hours < hour][-1:] if before is None else ():
            before = _nearest(cursor, _overlap(selection, int(other)), record_id, time, _ORDERS[0])
        for other in hours[hours > hour][:1] if behind is None else ():
            behind = _nearest(cursor, _overlap(selection, int(other)), record_id, time, _ORDERS[1])
    return before, behind


def by_ids(cursor: DuckDBPyConnection, record_ids: Sequence[int]) -> pd.DataFrame:
    """These records, in this order; those that are no longer there are left out."""
    found = [cursor.execute(f"{_SELECT} WHERE record_id = ?", [record_id]).fetchall() for record_id in record_ids]
    frame = pd.DataFrame(chain.from_iterable(found), columns=list(COLUMNS))
    return _in_utc(frame.astype({"time": "datetime64[us]"}))


def everything(cursor: DuckDBPyConnection, selection: Selection, limit: int) -> pd.DataFrame:
    """The newest records of a selection in the order of time, with all that is known of each."""
    condition, values = selection.condition()
    return _in_utc(
        cursor.execute(
            f"""SELECT time, endpoint, variant, class_index, confidence, inference_id, image_key, width, height,
            brightness, contrast, sharpness, key AS file, "offset", length, position
            FROM (SELECT * FROM records WHERE {condition} ORDER BY time DESC, record_id DESC LIMIT {limit})
            JOIN files USING (file_id) JOIN streams ON streams.stream_id = files.stream_id ORDER BY time, record_id""",  # noqa: S608
            values,
        ).df()
    )


def one(cursor: DuckDBPyConnection, record_id: int) -> dict[str, Any] | None:
    """All columns of a record, with its file's key, etag, endpoint and variant; None when it is no longer there."""
    cursor.execute(
        """SELECT records.*, key, etag, endpoint, variant FROM (SELECT * FROM records WHERE record_id = ?) AS records
        JOIN files USING (file_id) JOIN streams ON streams.stream_id = files.stream_id""",
        [record_id],
    )
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else None


def located(cursor: DuckDBPyConnection, record_ids: Sequence[int]) -> list[dict[str, Any]]:
    """As `one`, of many records, in this order; time is UTC. Those that are no longer there are left out."""
    cursor.execute(
        """SELECT records.*, key, etag, endpoint, variant FROM records JOIN files USING (file_id)
        JOIN streams ON streams.stream_id = files.stream_id WHERE record_id IN (SELECT unnest(?))""",
        [list(record_ids)],
    )
    names = [column[0] for column in cursor.description or ()]
    rows = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    found = {row["record_id"]: row | {"time": row["time"].replace(tzinfo=UTC)} for row in rows}
    return [found[number] for number in record_ids if number in found]


def _overlap(selection: Selection, hour: int) -> Selection:
    """What of a selection is in an hour that it touches."""
    return replace(selection, start=max(selection.start, hour_at(hour)), end=min(selection.end, hour_at(hour + 1)))


def by_inference(cursor: DuckDBPyConnection, inference_ids: Collection[str]) -> pd.DataFrame:
    """The records of these inferences, newest first."""
    condition = "inference_id IN (SELECT unnest(?))"
    return _frame(cursor, f"{_SELECT} WHERE {condition} ORDER BY time DESC, record_id DESC", [list(inference_ids)])


def image_keys(cursor: DuckDBPyConnection, inference_ids: Collection[str]) -> dict[str, str]:
    """The key of the image of each of these inferences whose record names one; the newest record's."""
    cursor.execute(
        """SELECT inference_id, arg_max(image_key, (time, record_id)) FROM records
        WHERE inference_id IN (SELECT unnest(?)) AND image_key IS NOT NULL GROUP BY inference_id""",
        [list(inference_ids)],
    )
    return dict(cursor.fetchall())


def _newest_since(
    cursor: DuckDBPyConnection, selection: Selection, limit: int, confidence: tuple[float, float], other: int | None
) -> pd.DataFrame:
    condition, values = selection.condition()
    return _frame(
        cursor,
        f"""{_SELECT} WHERE {condition} AND (confidence >= ? AND confidence < ? OR class_index = ?)
        ORDER BY time DESC, record_id DESC LIMIT {limit}""",
        [*values, *confidence, other],
    )


def _nearest(
    cursor: DuckDBPyConnection, selection: Selection, record_id: int, time: datetime, order: tuple[str, str]
) -> int | None:
    """The record of a selection that is next to this one in that order of time."""
    condition, values = selection.condition()
    sign, direction = order
    rows = cursor.execute(
        f"""SELECT record_id FROM records WHERE {condition} AND (time, record_id) {sign} (?, ?)
        ORDER BY time {direction}, record_id {direction} LIMIT 1""",  # noqa: S608
        [*values, time.replace(tzinfo=None), record_id],
    ).fetchall()
    return rows[0][0] if rows else None


def _ids(cursor: DuckDBPyConnection, selection: Selection) -> NDArray[np.int64]:
    condition, values = selection.condition()
    found = cursor.execute(f"SELECT record_id FROM records WHERE {condition}", values).fetchnumpy()  # noqa: S608
    return np.sort(np.asarray(found["record_id"], np.int64))


def _counts(
    cursor: DuckDBPyConnection,
    selection: Selection,
    hours: int,
    confidence: tuple[float, float],
    other: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The spans of so many hours that the selection touches and that have records in the bins of these confidences.

    Those of the class `other` count too, whatever their confidence.

    Returns the number of the hour with which each begins, and how many records it has.
    """
    first, behind = selection.spans(hours * HOUR)
    condition, values = selection.condition_without_time()
    low, high = bins_of(np.array(confidence)) if confidence != EVERY_CONFIDENCE else (0, BINS - 1)
    found = cursor.execute(
        f"""SELECT bucket, sum(n)::BIGINT AS n FROM histogram WHERE hours = {hours} AND bucket >= ? AND bucket < ?
        AND (bin BETWEEN ? AND ? OR class_index = ?) AND {condition}
        GROUP BY bucket HAVING sum(n) > 0 ORDER BY bucket""",  # noqa: S608
        [first, behind, int(low), int(high), other, *values],
    ).fetchnumpy()
    return hours * np.asarray(found["bucket"], np.int64), np.asarray(found["n"], np.int64)


def _frame(cursor: DuckDBPyConnection, sql: str, values: Sequence[Any]) -> pd.DataFrame:
    """Rows of `COLUMNS`; time is UTC."""
    return _in_utc(cursor.execute(sql, list(values)).df())


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(time=frame["time"].dt.tz_localize(UTC))
