"""What the store holds: how much, from when to when, and how well it was captured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from duckdb import DuckDBPyConnection

from backend.monitoring.selection import hour_at

_NEWEST: Final = 1_000  # files whose delivery is looked at
_MOST_NAMED: Final = 20


@dataclass(frozen=True)
class StreamContents:
    """The records of one endpoint's variant; both are empty where the files' keys do not tell."""

    endpoint: str
    variant: str
    records: int


@dataclass(frozen=True)
class Contents:
    """What was read of a source.

    Times are UTC, and None while no record could be read. Of the files that were read last, half were there
    within `delivery_lag` of their first inference, and 95 % within `longest_lag`. Files that are `unrecognised` have
    keys that data capture does not write, and are not read.
    """

    records: int
    files: int
    first_at: datetime | None
    last_at: datetime | None
    streams: tuple[StreamContents, ...]
    classes: tuple[int, ...]
    quarantined: int
    quarantine_reasons: Mapping[str, int]
    unrecognised: int
    unrecognised_keys: tuple[str, ...]
    undecodable: int
    delivery_lag: timedelta | None
    longest_lag: timedelta | None


@dataclass(frozen=True)
class QuarantinedLine:
    """A line that could not be read, where it is, and why."""

    key: str
    line_at: int
    length: int
    reason: str


def contents(cursor: DuckDBPyConnection) -> Contents:
    """Everything at once, at a cost that does not grow with the number of records."""
    by_stream = cursor.execute(
        """SELECT endpoint, variant, sum(n)::BIGINT AS n FROM histogram JOIN streams USING (stream_id) WHERE hours = 24
        GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL"""
    ).fetchall()
    classes = cursor.execute(
        "SELECT class_index FROM histogram WHERE hours = 24 GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL"
    ).fetchall()
    [(files, quarantined, undecodable)] = cursor.execute(
        """SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM quarantine),
        (SELECT coalesce(sum(undecodable), 0)::BIGINT FROM files WHERE undecodable > 0)"""
    ).fetchall()
    reasons = cursor.execute(
        f"SELECT reason, count(*) FROM quarantine GROUP BY reason ORDER BY count(*) DESC, reason LIMIT {_MOST_NAMED}"  # noqa: S608
    ).fetchall()
    [(unrecognised,)] = cursor.execute("SELECT coalesce(max(unrecognised), 0) FROM sweeps").fetchall()
    keys = cursor.execute(f"SELECT key FROM unrecognised ORDER BY key LIMIT {_MOST_NAMED}").fetchall()  # noqa: S608
    first, last = _extent(cursor)
    lags = _lags(cursor)
    return Contents(
        records=sum(records for _, _, records in by_stream),
        files=files,
        first_at=first,
        last_at=last,
        streams=tuple(StreamContents(*row) for row in by_stream),
        classes=tuple(index for (index,) in classes),
        quarantined=quarantined,
        quarantine_reasons=dict(reasons),
        unrecognised=unrecognised,
        unrecognised_keys=tuple(key for (key,) in keys),
        undecodable=undecodable,
        delivery_lag=lags[0],
        longest_lag=lags[1],
    )


def quarantined_lines(cursor: DuckDBPyConnection, limit: int) -> list[QuarantinedLine]:
    """Lines in quarantine, those of the newest files first."""
    rows = cursor.execute(
        f"""SELECT key, "offset", length, reason FROM quarantine JOIN files USING (file_id)
        ORDER BY delivered_at DESC, key, "offset" LIMIT {limit}"""  # noqa: S608
    ).fetchall()
    return [QuarantinedLine(*row) for row in rows]


def _extent(cursor: DuckDBPyConnection) -> tuple[datetime | None, datetime | None]:
    """When the first and the last record are from."""
    found = cursor.execute(
        """SELECT min(bucket), max(bucket) FROM (SELECT bucket FROM histogram WHERE hours = 24 GROUP BY bucket
        HAVING sum(n) > 0)"""
    ).fetchall()
    first, last = found[0]
    if first is None:
        return None, None
    return _time(cursor, "min", first), _time(cursor, "max", last)


def _time(cursor: DuckDBPyConnection, extreme: str, day: int) -> datetime:
    begin, end = (hour_at(24 * number).replace(tzinfo=None) for number in (day, day + 1))
    sql = f"SELECT {extreme}(time) FROM records WHERE time >= ? AND time < ?"  # noqa: S608
    found: list[tuple[Any, ...]] = cursor.execute(sql, [begin, end]).fetchall()
    time: datetime = found[0][0]
    return time.replace(tzinfo=UTC)


def _lags(cursor: DuckDBPyConnection) -> tuple[timedelta | None, timedelta | None]:
    """Median and 95th percentile of delivery, over the files that were read last."""
    [(median, longest)] = cursor.execute(
        f"""SELECT quantile_cont(lag_seconds, 0.5), quantile_cont(lag_seconds, 0.95) FROM files
        WHERE file_id > (SELECT max(file_id) FROM files) - {_NEWEST} AND records > 0"""  # noqa: S608
    ).fetchall()
    return (None, None) if median is None else (timedelta(seconds=median), timedelta(seconds=longest))
