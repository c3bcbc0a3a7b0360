"""What pages ask of a source's captured records, through its cache."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

import pandas as pd
from duckdb import DuckDBPyConnection

from backend.aws.environment import Environment
from backend.errors import CaptureMissing
from backend.monitoring import contents as _contents
from backend.monitoring import finding, summaries
from backend.monitoring.contents import Contents, QuarantinedLine
from backend.monitoring.objects import BrokenFile, fetch_line, open_place
from backend.monitoring.records import decode_predictions, decode_record, read_image
from backend.monitoring.rollups import KEPT_LOWEST
from backend.monitoring.selection import EVERY_CONFIDENCE, Selection
from backend.monitoring.sources import CaptureSource, cache_path, project_source
from backend.monitoring.store import CaptureStore, delete_stores, store_at
from backend.monitoring.summaries import Summary

_P = ParamSpec("_P")
_T = TypeVar("_T")
EXPORTED: Final = 200_000
"""Records that an export holds at most: the newest."""


@dataclass(frozen=True)
class CapturedInference:
    """One captured request and its answer.

    `image` is None when the endpoint does not capture its input, and when that cannot be shown: then `image_problem`
    says why. `key` is that of the capture file, `image_key` what the caller gave as custom attributes.
    """

    record_id: int
    time: datetime
    endpoint: str
    variant: str
    key: str
    inference_id: str | None
    image_key: str | None
    probabilities: tuple[float, ...]
    image: bytes | None
    image_problem: str | None
    width: int | None
    height: int | None
    brightness: float | None
    contrast: float | None
    sharpness: float | None

    @property
    def class_index(self) -> int:
        return self.probabilities.index(self.confidence)

    @property
    def confidence(self) -> float:
        return max(self.probabilities)


@contextmanager
def kept_open(environment: Environment, source: CaptureSource) -> Iterator[None]:
    """What is asked of the source inside is answered sooner, and no other process can read it meanwhile."""
    store = _store(environment, source)
    if not store.path.exists():
        yield
        return
    with store.kept_open():
        yield


def capture_contents(environment: Environment, source: CaptureSource | None = None) -> Contents | None:
    """What was read of a source (None: the project's own) until now; None while there is not a line.

    Asking makes no cache where there is none.
    """
    source = source or project_source(environment)
    if not _store(environment, source).path.exists():
        return None
    found = _ask(environment, source, _contents.contents)
    return found if found.records or found.quarantined or found.unrecognised else None


def quarantined_lines(environment: Environment, source: CaptureSource, limit: int = 100) -> list[QuarantinedLine]:
    """Lines that could not be read, those of the newest files first."""
    return _ask(environment, source, _contents.quarantined_lines, limit)


def summarize(
    environment: Environment, source: CaptureSource, selection: Selection, other: int | None = None
) -> Summary:
    """Counts of a selection by time, confidence and class; records of the class `other` pass at no threshold."""
    return _ask(environment, source, summaries.summarize, selection, other)


def records(environment: Environment, source: CaptureSource, selection: Selection, limit: int) -> pd.DataFrame | None:
    """All records of a selection in the order of time, or None when they are more than `limit`.

    Columns as of all that follows: record_id, time (UTC), confidence, class_index, inference_id.
    """
    return _ask(environment, source, finding.records, selection, limit)


def lowest(
    environment: Environment, source: CaptureSource, selection: Selection, limit: int = KEPT_LOWEST
) -> pd.DataFrame:
    """The least sure records of a selection, at most `KEPT_LOWEST`, the least sure first."""
    return _ask(environment, source, finding.lowest, selection, limit)


def newest(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    limit: int,
    confidence: tuple[float, float] = EVERY_CONFIDENCE,
) -> pd.DataFrame:
    """The newest records of a selection with a confidence from the first number to below the second, newest first."""
    return _ask(environment, source, finding.newest, selection, limit, confidence)


def rejected(
    environment: Environment,
    source: CaptureSource,
    selection: Selection,
    limit: int,
    threshold: float,
    other: int | None = None,
) -> pd.DataFrame:
    """The newest records of a selection that do not pass: those below the threshold, and all of the class `other`."""
    return _ask(environment, source, finding.newest, selection, limit, (0.0, threshold), other)


def sample(
    environment: Environment, source: CaptureSource, selection: Selection, limit: int, seed: int = 0
) -> pd.DataFrame:
    """Records of a selection by lot, each as likely as another, in the order of time; the same for the same seed."""
    return _ask(environment, source, finding.sample, selection, limit, seed)


def located(environment: Environment, source: CaptureSource, record_ids: Sequence[int]) -> list[dict[str, Any]]:
    """All that the cache has of these records, with the file of each; those that are no longer there are left out.

    Each has the columns of the store's `records`, and key, etag, endpoint and variant: a place that outlives the cache.
    """
    return _ask(environment, source, finding.located, record_ids)


def beside(
    environment: Environment, source: CaptureSource, selection: Selection, record_id: int
) -> tuple[int | None, int | None]:
    """The records before and behind this one in the order of time among those of a selection; None at either end."""
    return _ask(environment, source, finding.beside, selection, record_id)


def by_inference(
    environment: Environment, inference_ids: Collection[str], source: CaptureSource | None = None
) -> pd.DataFrame:
    """The records of these inferences, newest first; of a source (None: the project's own)."""
    return _ask(environment, source or project_source(environment), finding.by_inference, inference_ids)


def image_keys(environment: Environment, inference_ids: Collection[str]) -> dict[str, str]:
    """The image's key of each of these inferences whose record in the project's own captures names it."""
    source = project_source(environment)
    if not inference_ids or not _store(environment, source).path.exists():
        return {}
    return _ask(environment, source, finding.image_keys, inference_ids)


def export(
    environment: Environment, source: CaptureSource, selection: Selection, form: Literal["csv", "parquet"]
) -> bytes:
    """The newest records of a selection, at most `EXPORTED`, as a file with all that is known of each."""
    frame = _ask(environment, source, finding.everything, selection, EXPORTED)
    if form == "csv":
        return frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ").encode()
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    return file.getvalue()


def capture_detail(environment: Environment, source: CaptureSource, record_id: int) -> CapturedInference:
    """One captured inference with its image, read from its file; raises CaptureMissing when it is gone."""
    row = _ask(environment, source, finding.one, record_id)
    if row is None:
        raise CaptureMissing("This record is no longer in the store. Refresh the records.")
    try:
        line = fetch_line(open_place(environment, source), row["key"], row["etag"], row["offset"], row["length"])
        record = decode_record(line)
        answer = record.capture_data.endpoint_output
        assert answer is not None  # noqa: S101  a record without an answer is in quarantine
        probabilities = decode_predictions(answer)[row["position"]]
    except (BrokenFile, ValueError) as error:
        raise CaptureMissing(f"Capture file {row['key']} is not the one that was read. Refresh the records.") from error
    image, image_problem = read_image(record.capture_data.endpoint_input)
    kept = {name: row[name] for name in ("record_id", "endpoint", "variant", "key", "inference_id", "image_key")}
    measured = {name: row[name] for name in ("width", "height", "brightness", "contrast", "sharpness")}
    return CapturedInference(
        time=row["time"].replace(tzinfo=UTC),
        probabilities=tuple(probabilities),
        image=image,
        image_problem=image_problem,
        **kept,
        **measured,
    )


def delete_cache(environment: Environment) -> None:
    """Delete what was read of every source until now; the next refresh reads it again."""
    delete_stores(environment.cache_dir)


def _ask(
    environment: Environment,
    source: CaptureSource,
    query: Callable[Concatenate[DuckDBPyConnection, _P], _T],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    with _store(environment, source).reading() as cursor:
        return query(cursor, *args, **kwargs)


def _store(environment: Environment, source: CaptureSource) -> CaptureStore:
    return store_at(cache_path(environment, source))
