"""Bringing capture files into the store: new and replaced ones only, each exactly once; deleted ones leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import duckdb
import pyarrow as pa

from backend.errors import CaptureMissing
from backend.monitoring import rollups
from backend.monitoring.batches import Part
from backend.monitoring.feeding import feed
from backend.monitoring.objects import BrokenFile, CaptureObject, Listed, Place, fetch, fetch_parts
from backend.monitoring.pictures import measure_all
from backend.monitoring.records import BrokenLine, ReadLines, read_file
from backend.monitoring.store import CaptureStore
from backend.monitoring.watched import Watched
from backend.monitoring.writing import forget_files, replace_files
from backend.progress import Progress, no_progress
from backend.wording import count_of

_BATCH_FILES: Final = 500
_BATCH_BYTES: Final = 24 << 20
_FETCH_THREADS: Final = 16
_MEASURE_THREADS: Final = 2
"""More are in each other's way: of a small picture the most is done in Python."""


@dataclass(frozen=True)
class IngestReport:
    """What a refresh brought in."""

    objects: int = 0
    records: int = 0
    quarantined: int = 0

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(
            self.objects + other.objects, self.records + other.records, self.quarantined + other.quarantined
        )


def ingest(
    store: CaptureStore,
    place: Place,
    listing: Iterable[Listed],
    progress: Progress = no_progress,
    watched: Sequence[Watched] = (),
) -> IngestReport:
    """Make the store hold what the listing does, and feed the drift alarms of what is watched.

    The listing must begin no earlier than this call.

    Files that are new or were replaced are read; those in a listed range of keys that are listed no more are forgotten.
    Each batch is one transaction, so that a crash loses only work. The caller is the store's only writer.
    """
    report = IngestReport()
    with (
        ThreadPoolExecutor(_FETCH_THREADS) as fetching,
        ThreadPoolExecutor(_MEASURE_THREADS) as measuring,
        store.turns() as take_turns,
    ):
        for batch in _fetched(place, _batches(_changed(store, listing)), fetching):
            report += _write(_Target(store, place, measuring, watched), batch)
            take_turns()
            progress(0.0, f"Read {count_of(report.records, 'record')} in {count_of(report.objects, 'file')}.")
    with store.writing() as cursor:
        rollups.compact(cursor)
    return report


def _changed(store: CaptureStore, listing: Iterable[Listed]) -> Iterator[CaptureObject]:
    """The files to be read; before those of a range are, those that are gone from it are forgotten."""
    for listed in listing:
        with store.reading() as cursor:
            changed, gone = compare(cursor, listed)
        if gone:
            with store.writing() as cursor:
                forget_files(cursor, "SELECT unnest(?) AS file_id", [gone])
        yield from changed


def compare(cursor: duckdb.DuckDBPyConnection, listed: Listed) -> tuple[list[CaptureObject], list[int]]:
    """What was listed that the store does not have as it is, and the ids of what it has of that range and is gone."""
    files = listed.files
    columns = {"n": range(len(files)), "key": [file.key for file in files], "etag": [file.etag for file in files]}
    cursor.register("listed", pa.table(columns, pa.schema({"n": pa.int64(), "key": pa.string(), "etag": pa.string()})))
    known, ends = "SELECT * FROM files WHERE key > ?", [listed.after]
    if listed.until is not None:
        known, ends = f"{known} AND key <= ?", [listed.after, listed.until]
    changed = cursor.execute(f"SELECT n FROM listed ANTI JOIN ({known}) USING (key, etag) ORDER BY n", ends).fetchall()  # noqa: S608
    gone = cursor.execute(f"SELECT file_id FROM ({known}) ANTI JOIN listed USING (key)", ends).fetchall()  # noqa: S608
    cursor.unregister("listed")
    return [files[n] for (n,) in changed], [file_id for (file_id,) in gone]


@dataclass(frozen=True)
class _Batch:
    """Files to be written together, and their contents: None for one that is not there any more as it was listed.

    A large file has none; it is read in parts as it is written.
    """

    files: Sequence[CaptureObject]
    contents: Iterator[bytes | BrokenFile | None] | None = None


def _batches(files: Iterable[CaptureObject]) -> Iterator[Sequence[CaptureObject]]:
    """Of bounded number and size; a large file is alone."""
    batch: list[CaptureObject] = []
    size = 0
    for file in files:
        is_full = len(batch) == _BATCH_FILES or size + file.size > _BATCH_BYTES
        if batch and (is_full or file.is_large or batch[0].is_large):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _fetched(place: Place, batches: Iterator[Sequence[CaptureObject]], pool: Executor) -> Iterator[_Batch]:
    """The batches with their contents, which come while the batch before is being read."""
    ahead: _Batch | None = None
    for files in batches:
        coming = _Batch(files, None if files[0].is_large else pool.map(partial(_fetch, place), files))
        if ahead is not None:
            yield ahead
        ahead = coming
    if ahead is not None:
        yield ahead


@dataclass(frozen=True)
class _Target:
    """Where files are brought in, from where, and who measures their pictures."""

    store: CaptureStore
    place: Place
    pool: Executor
    watched: Sequence[Watched]

    def put(self, files: Sequence[CaptureObject], chunks: Iterable[Sequence[Part]]) -> IngestReport:
        """Files with all that follows from them, in one transaction."""
        with self.store.writing() as cursor:
            counts = replace_files(cursor, files, chunks)
            while feed(cursor, self.watched):
                pass
        return IngestReport(len(files), *counts)


def _write(target: _Target, batch: _Batch) -> IngestReport:
    if batch.contents is None:
        return _write_large(target, batch.files[0])
    pairs = zip(batch.files, batch.contents, strict=True)
    present = [(file, content) for file, content in pairs if content is not None]
    parts = _measured([_lines(file, content) for file, content in present], target.pool)
    return target.put([file for file, _ in present], [parts])


def _write_large(target: _Target, file: CaptureObject) -> IngestReport:
    """One part after the other, all in one transaction."""

    def parts() -> Iterator[Sequence[Part]]:
        start = 0
        for content in fetch_parts(target.place, file):
            yield _measured([_lines(file, content)], target.pool, start)
            start += len(content)

    try:
        return target.put([file], parts())
    except BrokenFile as error:
        return target.put([file], [_measured([_lines(file, error)], target.pool)])
    except CaptureMissing:  # the next listing has it
        return IngestReport()


def _fetch(place: Place, file: CaptureObject) -> bytes | BrokenFile | None:
    try:
        return fetch(place, file)
    except BrokenFile as error:
        return error


def _lines(file: CaptureObject, content: bytes | BrokenFile) -> ReadLines:
    if isinstance(content, BrokenFile):
        return ReadLines(broken=[BrokenLine(0, file.size, str(content))])
    return read_file(content, file.delivered_at, with_inputs=True)


def _measured(files: Sequence[ReadLines], pool: Executor, start: int = 0) -> list[Part]:
    """The lines of each file with its pictures, all of which are measured together."""
    pictures = iter(measure_all([item for lines in files for item in lines.inputs], pool))
    return [Part(number, lines, list(islice(pictures, len(lines.inputs))), start) for number, lines in enumerate(files)]
