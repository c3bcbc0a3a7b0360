"""What the store has of drift alarms, and of the records that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Final

import msgspec
import pandas as pd

from backend.aws.environment import Environment
from backend.drift import Detector, Feature, Records, unpack
from backend.drift.features import Column
from backend.monitoring.detectable import read_records
from backend.monitoring.finding import by_ids
from backend.monitoring.selection import Selection
from backend.monitoring.sources import CaptureSource, cache_path
from backend.monitoring.store import CaptureStore, store_at
from backend.monitoring.watched import Watched

_NOTHING: Final = pd.DataFrame({"time": pd.Series(dtype="datetime64[us, UTC]"), "evidence": pd.Series(dtype=float)})
_MEASURED: Final = {
    Feature.CONFIDENCE: "confidence",
    Feature.BRIGHTNESS: "brightness",
    Feature.CONTRAST: "contrast",
    Feature.SHARPNESS: "sharpness",
}


def detectors(
    environment: Environment, source: CaptureSource, watched: Sequence[Watched]
) -> dict[tuple[str, str], tuple[Detector, int]]:
    """The detector of each stream, and how many acknowledgements it knows.

    Those that were not fed yet as it is watched now are left out.
    """
    store = _store(environment, source)
    if not watched or not store.path.exists():
        return {}
    rows = store.query(
        "SELECT endpoint, variant, revision, acknowledged, detector FROM drift JOIN streams USING (stream_id)"
    )
    revisions = {of.stream: of.revision for of in watched}
    found = {}
    for endpoint, variant, revision, acknowledged, content in rows:
        if revisions.get((endpoint, variant)) == revision:
            with suppress(msgspec.DecodeError):  # of another version of the app: it is fed anew
                found[endpoint, variant] = unpack(content), acknowledged
    return found


def evidence_over_time(
    environment: Environment, source: CaptureSource, selection: Selection, most: int
) -> pd.DataFrame:
    """The highest evidence of a stream in each of at most so many steps of time: columns time (UTC) and evidence."""
    store = _store(environment, source)
    if not store.path.exists():
        return _NOTHING
    condition, values = selection.condition()
    with store.reading() as cursor:
        [(first, last)] = cursor.execute(
            f"SELECT min(time), max(time) FROM evidence WHERE {condition}",  # noqa: S608  our own words
            values,
        ).fetchall()
        if first is None:
            return _NOTHING
        step = max(1, (last - first) // timedelta(microseconds=1) // most + 1)
        found = cursor.execute(
            f"""SELECT arg_max(time, evidence) AS time, max(evidence) AS evidence FROM evidence WHERE {condition}
            GROUP BY epoch_us(evidence.time - ?) // {step} ORDER BY time""",  # noqa: S608
            [*values, first],
        ).df()
    return found.assign(time=found["time"].dt.tz_localize(UTC))


def selected_records(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    other: int | None,
    limit: int,
    *,
    newest: bool = True,
) -> Records:
    """The newest, or the oldest, records of a selection as drift is looked for in them, in the order of time."""
    condition, values = selection.condition()
    with _store(environment, source).reading() as cursor:
        return read_records(cursor, condition, values, other, limit, newest=newest)


def most_unusual(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    column: Column,
    other: int | None,
    limit: int,
    *,
    high: bool,
) -> pd.DataFrame:
    """The records of a selection that have most, or least, of a feature; columns as of `monitoring.records`."""
    condition, values = selection.condition()
    direction = "DESC" if high else "ASC"
    if column.feature is Feature.CLASS:
        sign = "=" if high else "<>"
        condition, values, order = f"{condition} AND class_index {sign} ?", [*values, column.class_index], "time"
    else:
        order = _MEASURED.get(column.feature, f"probabilities[{(other or 0) + 1}]")
    with _store(environment, source).reading() as cursor:
        rows = cursor.execute(
            f"""SELECT record_id FROM records WHERE {condition} AND {order} IS NOT NULL
            ORDER BY {order} {direction}, record_id LIMIT {limit}""",  # noqa: S608  our own words
            values,
        ).fetchall()
        return by_ids(cursor, [record_id for (record_id,) in rows])


def count_class(
    environment: Environment, source: CaptureSource, selection: Selection, class_index: int
) -> tuple[int, int]:
    """How many records of a selection were answered with a class, and how many there are."""
    condition, values = selection.condition()
    [(of_it, records)] = _store(environment, source).query(
        f"SELECT count(*) FILTER (class_index = ?), count(*) FROM records WHERE {condition}",  # noqa: S608  our own words
        [class_index, *values],
    )
    return of_it, records


def _store(environment: Environment, source: CaptureSource) -> CaptureStore:
    return store_at(cache_path(environment, source))
