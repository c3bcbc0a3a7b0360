"""Captured records as drift is looked for in them, and what tells each from the others wherever it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from backend.drift import Records

_COLUMNS: Final = """file_id, "offset", position, epoch_us(time) AS time, class_index, confidence, brightness, contrast,
    sharpness, coalesce(content, 0)::UBIGINT AS content"""
_OF_OFFSETS: Final = np.uint64(0xD1342543DE82EF95)
_OF_POSITIONS: Final = np.uint64(0xAF251AF3B0F025B5)
"""Odd numbers, by which no two places in a file get the same key."""


def read_records(
    cursor: DuckDBPyConnection,
    condition: str,
    values: Sequence[Any],
    other: int | None,
    limit: int | None = None,
    *,
    newest: bool = True,
) -> Records:
    """The records that a condition in SQL means, in the order of time; with a limit, the newest or the oldest of them.

    `other` is the index of the class `other`, None where the model has none.
    """
    probability = f", probabilities[{other + 1}] AS other" if other is not None else ""
    direction = "DESC" if newest else "ASC"
    few = f"ORDER BY time {direction}, record_id {direction} LIMIT {limit}" if limit is not None else ""
    found = cursor.execute(
        f"""SELECT {_COLUMNS}{probability} FROM (SELECT * FROM records WHERE {condition} {few})
        ORDER BY time, record_id""",  # noqa: S608  our own words
        list(values),
    ).fetchnumpy()
    return Records(
        time=np.asarray(found["time"], np.int64),
        key=_keys(cursor, found),
        confidence=_floats(found["confidence"]),
        class_index=np.asarray(found["class_index"], np.int64),
        brightness=_floats(found["brightness"]),
        contrast=_floats(found["contrast"]),
        sharpness=_floats(found["sharpness"]),
        other=_floats(found["other"]) if other is not None else None,
        content=np.asarray(found["content"], np.uint64),
    )


def key_of(text: str) -> int:
    """A number of 64 bits for a name, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _keys(cursor: DuckDBPyConnection, found: dict[str, Any]) -> NDArray[np.uint64]:
    """By file, byte and position: a cache that is built anew has the same."""
    file_ids, places = np.unique(np.asarray(found["file_id"], np.int64), return_inverse=True)
    sql = "SELECT file_id, key FROM files WHERE file_id IN (SELECT unnest(?::BIGINT[]))"
    names = dict(cursor.execute(sql, [file_ids.tolist()]).fetchall())
    files = np.array([key_of(names[file_id]) for file_id in file_ids.tolist()], np.uint64)[places]
    offsets, positions = (np.asarray(found[name], np.uint64) for name in ("offset", "position"))
    return np.asarray(files + offsets * _OF_OFFSETS + positions * _OF_POSITIONS)


def _floats(values: Any) -> NDArray[np.float64]:
    """NaN for what is missing."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, np.float64), np.nan))
