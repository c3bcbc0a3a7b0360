"""What charts of long ranges are drawn from: counts by time and confidence, and the lowest records of each hour.

They are kept in the transactions that change the records, so that they always say what a recomputation would. Counts
are appended as differences, negative ones for what is forgotten, and added up where they are read; now and then that
is done in the store too.
"""

from __future__ import annotations

from typing import Final

import duckdb

LEVELS: Final = (1, 6, 24)
"""Hours that a bucket of each level spans; a bucket's number is its beginning, in such spans since 1970 UTC."""
KEPT_LOWEST: Final = 32
"""Lowest records kept of each hour, stream and class."""
_HOUR: Final = "(epoch_us(time) // 3600000000)::INTEGER"
_MANY = 200_000  # rows of differences that are worth adding up
_ADDED_UP: Final = """SELECT hours, bucket, stream_id, class_index, bin, sum(n)::BIGINT AS n FROM histogram GROUP BY ALL
    HAVING sum(n) <> 0 ORDER BY ALL"""
_RANKED: Final = f"""QUALIFY row_number() OVER (
    PARTITION BY hour, stream_id, class_index ORDER BY confidence, record_id) <= {KEPT_LOWEST}"""


def add(cursor: duckdb.DuckDBPyConnection, records: str) -> None:
    """Count the records in this table or view, which has the columns of `records`."""
    _count(cursor, f"SELECT * FROM {records}", sign=1)  # noqa: S608  the callers' own words
    _keep_lowest(cursor, f"SELECT * FROM {records}")  # noqa: S608


def remove(cursor: duckdb.DuckDBPyConnection, files: str) -> None:
    """Take the records of the files in this table, by its column file_id, out of the counts, and delete them."""
    gone = f"SELECT * FROM records WHERE file_id IN (SELECT file_id FROM {files})"  # noqa: S608
    _count(cursor, gone, sign=-1)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {_HOUR} AS hour FROM ({gone})")  # noqa: S608
    cursor.execute(f"DELETE FROM records WHERE file_id IN (SELECT file_id FROM {files})")  # noqa: S608
    cursor.execute("DELETE FROM lowest WHERE hour IN (SELECT hour FROM touched)")
    _keep_lowest(
        cursor,
        f"""SELECT * FROM records WHERE {_HOUR} IN (SELECT hour FROM touched)
        AND time >= (SELECT make_timestamp(min(hour) * 3600000000::BIGINT) FROM touched)
        AND time < (SELECT make_timestamp((max(hour) + 1) * 3600000000::BIGINT) FROM touched)""",  # noqa: S608
    )
    cursor.execute("DROP TABLE touched")


def compact(cursor: duckdb.DuckDBPyConnection) -> None:
    """Add up what was appended, where there is much of it; what the tables say stays the same."""
    [(histogram, lowest)] = cursor.execute(
        """SELECT (SELECT count(*) FROM histogram) - 2 * histogram, (SELECT count(*) FROM lowest) - 2 * lowest
        FROM compacted"""
    ).fetchall()
    if max(histogram, lowest) < _MANY:
        return
    for table, wanted in (("histogram", _ADDED_UP), ("lowest", f"FROM lowest {_RANKED} ORDER BY hour")):
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE wanted AS {wanted}")
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        cursor.execute(f"INSERT INTO {table} SELECT * FROM wanted")  # noqa: S608
        cursor.execute(f"UPDATE compacted SET {table} = (SELECT count(*) FROM wanted)")  # noqa: S608
        cursor.execute("DROP TABLE wanted")


def _count(cursor: duckdb.DuckDBPyConnection, records: str, sign: int) -> None:
    levels = ", ".join(f"({hours})" for hours in LEVELS)
    cursor.execute(
        f"""INSERT INTO histogram SELECT hours, hour // hours, stream_id, class_index, bin, sum(n)::BIGINT
        FROM (SELECT {_HOUR} AS hour, stream_id, class_index, bin, {sign} * count(*) AS n FROM ({records})
        GROUP BY ALL), (VALUES {levels}) AS levels (hours) GROUP BY ALL"""  # noqa: S608
    )


def _keep_lowest(cursor: duckdb.DuckDBPyConnection, records: str) -> None:
    cursor.execute(
        f"""INSERT INTO lowest SELECT {_HOUR} AS hour, stream_id, class_index, record_id, time, confidence
        FROM ({records}) {_RANKED}"""  # noqa: S608
    )
