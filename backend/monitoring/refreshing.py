"""Bringing the caches of sources up to date: at once, or in the background while pages show what is there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from backend import jobs
from backend.aws.environment import Environment
from backend.errors import AwsRequestError, DriftDamaged, JobAlreadyRunning
from backend.monitoring.feeding import catch_up
from backend.monitoring.ingest import IngestReport, ingest
from backend.monitoring.objects import Listed, Place, list_all, list_recent, open_place
from backend.monitoring.sources import CaptureSource, cache_path, project_source
from backend.monitoring.store import CaptureStore, store_at
from backend.monitoring.watched import Watched, read_watched
from backend.progress import Progress, no_progress

_LATE: Final = timedelta(hours=48)
"""How long after its hour a file may come and is still found by the next refresh."""
_SWEEP_SECONDS: Final = 24 * 3600.0
"""After so long everything is listed again: for files that came later, or were replaced or deleted."""
_MOST_NAMED: Final = 100
_log = logging.getLogger(__name__)

_swept: dict[Path, float] = {}
"""When this process last listed all of a source, by its cache; monotonic."""
_swept_lock = threading.Lock()


def refresh_captures(
    environment: Environment,
    source: CaptureSource | None = None,
    progress: Progress = no_progress,
    *,
    entirely: bool = False,
) -> IngestReport | None:
    """Read the capture files of a source (None: the project's own) that came or changed, and forget deleted ones.

    The first time in a process, daily and when asked to `entirely`, all files are listed, otherwise those of the last
    two days. None when another thread or process does it just now. Makes no cache while there is nothing to keep in
    it. The drift alarms are fed what came. Raises CaptureUnavailable.
    """
    source = source or project_source(environment)
    store = store_at(cache_path(environment, source))
    place = open_place(environment, source)
    began = time.monotonic()
    if not (entirely or _is_sweep_due(store)):
        with store.only_writer() as is_only:
            if not is_only:
                return None
            watched = _caught_up(environment, source, store, progress)
            return ingest(store, place, list_recent(place, datetime.now(UTC) - _LATE), progress, watched)
    listing = list_all(place)
    first = next(listing)
    if not store.path.exists() and not (first.files or first.unrecognised or first.until):
        return IngestReport()
    with store.only_writer() as is_only:
        if not is_only:
            return None
        watched = _caught_up(environment, source, store, progress)
        report = _sweep(store, place, chain([first], listing), progress, watched)
    with _swept_lock:
        _swept[store.path] = began
    return report


def catch_up_drift(environment: Environment, source: CaptureSource, progress: Progress = no_progress) -> None:
    """Let the drift alarms know what was chosen and acknowledged; while captures are read, the next reading does it.

    Raises CaptureUnavailable.
    """
    store = store_at(cache_path(environment, source))
    with store.only_writer() as is_only:
        if is_only:
            _caught_up(environment, source, store, progress)


def refresh_in_background(environment: Environment, source: CaptureSource, *, entirely: bool = False) -> None:
    """Begin to read what is new, unless that is being done already; `refreshing` tells how far it is."""
    name = _job_name(environment, source)
    try:
        jobs.start(
            name,
            "Reading captured records",
            lambda progress: refresh_captures(environment, source, progress, entirely=entirely),
        )
    except JobAlreadyRunning:
        return


def refreshing(environment: Environment, source: CaptureSource) -> jobs.Job | None:
    """The reading of this source that runs or ended last in this process; None before the first."""
    return jobs.find(_job_name(environment, source))


def _is_sweep_due(store: CaptureStore) -> bool:
    with _swept_lock:
        swept = _swept.get(store.path)
    return swept is None or not store.path.exists() or time.monotonic() - swept > _SWEEP_SECONDS


def _caught_up(
    environment: Environment, source: CaptureSource, store: CaptureStore, progress: Progress
) -> list[Watched]:
    """What drift is watched for, its detectors fed all that is there; nothing where that cannot be read just now.

    What comes meanwhile is fed the next time.
    """
    try:
        watched = read_watched(environment, source)
    except (AwsRequestError, DriftDamaged) as error:
        _log.warning("drift alarms are not fed: %s", error)
        return []
    catch_up(store, watched, progress)
    return watched


def _sweep(
    store: CaptureStore, place: Place, listing: Iterator[Listed], progress: Progress, watched: list[Watched]
) -> IngestReport:
    """Ingest all, and keep what else there is: its number, and the first names."""
    names: list[str] = []
    number = 0

    def noted() -> Iterator[Listed]:
        nonlocal number
        for listed in listing:
            number += len(listed.unrecognised)
            names.extend(item.name for item in listed.unrecognised[: _MOST_NAMED - len(names)])
            yield listed

    report = ingest(store, place, noted(), progress, watched)
    with store.writing() as cursor:
        cursor.execute("DELETE FROM sweeps")
        cursor.execute("INSERT INTO sweeps VALUES (?, ?)", [datetime.now(UTC).replace(tzinfo=None), number])
        cursor.execute("DELETE FROM unrecognised")
        if names:
            cursor.executemany("INSERT INTO unrecognised VALUES (?)", [[name] for name in names])
    return report


def _job_name(environment: Environment, source: CaptureSource) -> str:
    return f"captures {cache_path(environment, source)}"
