"""What pages ask of the captured records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from backend.aws.environment import Environment
from backend.errors import CaptureMissing
from backend.monitoring.ingest import IngestReport, ingest
from backend.monitoring.objects import fetch_line, list_objects, open_bucket
from backend.monitoring.records import decode_predictions, decode_record, read_image
from backend.monitoring.store import CaptureStore, delete_store, open_store

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CaptureSummary:
    """What the store holds; `last_at` is UTC, and None while every line that was captured is in quarantine."""

    records: int
    files: int
    last_at: datetime | None
    quarantined: int
    quarantine_reasons: Mapping[str, int]


@dataclass(frozen=True)
class CapturedInference:
    """One captured request and its answer.

    `image` is None when the endpoint does not capture its input, and when that cannot be shown: then `image_problem`
    says why.
    """

    time: datetime
    inference_id: str | None
    probabilities: tuple[float, ...]
    image: bytes | None
    image_problem: str | None


def refresh_captures(environment: Environment) -> IngestReport:
    """Read the capture files that came or changed since the last time, and forget deleted ones.

    Makes no cache while there is nothing to keep in it. Raises CaptureUnavailable.
    """
    bucket = open_bucket(environment)
    if not _path(environment).exists() and not any(list_objects(bucket)):
        return IngestReport()
    return ingest(_store(environment), bucket, list_objects(bucket))


def capture_summary(environment: Environment) -> CaptureSummary | None:
    """What was read until now; None while there is not a line. Asking makes no cache where there is none."""
    if not _path(environment).exists():
        return None
    store = _store(environment)
    [(records, last_at)] = store.query("SELECT count(*), max(time) FROM records")
    reasons: dict[str, int] = dict(
        store.query("SELECT reason, count(*) FROM quarantine GROUP BY reason ORDER BY count(*) DESC LIMIT 20")
    )
    [(files,)] = store.query("SELECT count(*) FROM objects")
    [(quarantined,)] = store.query("SELECT count(*) FROM quarantine")
    if not records and not quarantined:
        return None
    return CaptureSummary(records, files, last_at, quarantined, reasons)


def confidences(environment: Environment, start: datetime | None = None, limit: int = 20_000) -> pd.DataFrame:
    """The newest captured inferences, at most `limit`, from `start` on, in the order of their arrival.

    Columns: record_id, time (UTC), confidence, predicted_index, inference_id.
    """
    columns = ["record_id", "time", "confidence", "predicted_index", "inference_id"]
    rows = _store(environment).query(
        f"""SELECT {", ".join(columns)} FROM records JOIN objects USING (object_id)
        WHERE time >= ? ORDER BY time DESC, key DESC, "offset" DESC LIMIT ?""",  # noqa: S608
        [start or _BEGINNING, limit],
    )
    frame = pd.DataFrame(rows[::-1], columns=columns)
    return frame.astype({"time": "datetime64[us, UTC]", "confidence": float, "predicted_index": int, "record_id": int})


def capture_detail(environment: Environment, record_id: int) -> CapturedInference:
    """One captured inference with its image, read from S3; raises CaptureMissing when it is gone."""
    rows = _store(environment).query(
        """SELECT key, etag, "offset", length, time,
            (SELECT count(*) FROM records AS earlier WHERE earlier.object_id = records.object_id
             AND earlier."offset" = records."offset" AND earlier.record_id < records.record_id)
        FROM records JOIN objects USING (object_id) WHERE record_id = ?""",
        [record_id],
    )
    if not rows:
        raise CaptureMissing("This record is no longer in the store. Refresh the records.")
    key, etag, offset, length, time, position = rows[0]
    record = decode_record(fetch_line(open_bucket(environment), key, etag, offset, length))
    request, answer = record.capture_data.endpoint_input, record.capture_data.endpoint_output
    assert answer is not None  # noqa: S101  a record without an answer is in quarantine
    image, image_problem = read_image(request)
    return CapturedInference(
        time=time,
        inference_id=record.event_metadata.inference_id,
        probabilities=tuple(decode_predictions(answer)[position]),
        image=image,
        image_problem=image_problem,
    )


def delete_cache(environment: Environment) -> None:
    """Delete what was read until now; the next refresh reads it again from S3. No reader is left with an open file."""
    delete_store(_path(environment))


def _store(environment: Environment) -> CaptureStore:
    return open_store(_path(environment))


def _path(environment: Environment) -> Path:
    return environment.cache_dir / "captures.duckdb"
