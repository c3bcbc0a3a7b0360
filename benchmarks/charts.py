"""The Monitoring page over a million, ten million and a hundred million captured records, each in a process of its own.

The records are written straight into the cache: 90 days of two variants and five classes, more by day than by night, a
fiftieth of them late. Pictures are all the same one, read from a file. The page is run as Streamlit runs it, without a
network: the seconds are those of its script from a cold cache, the megabytes those of the messages to the browser.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner
from streamlit.util import calc_hash

from backend import monitoring
from backend.aws.environment import open_environment
from backend.monitoring import captures, contents, finding, rollups, summaries
from backend.monitoring.bins import bins_of
from backend.monitoring.selection import Selection
from backend.monitoring.sources import cache_path
from backend.monitoring.store import CaptureStore, store_at
from backend.settings import Settings
from benchmarks import capture_files
from benchmarks.place import say

DAYS = 90
START = datetime(2026, 1, 1, tzinfo=UTC)
TURNS = 3
_CHUNK = 2_000_000
_FILE_RECORDS = 20
_PAGE = Path(__file__).parents[1] / "pages" / "main.py"


def measure(*sizes: int) -> dict[str, Any]:
    """The figures by name, of the largest of these numbers of records, and how much more it costs than the least."""
    with tempfile.TemporaryDirectory(prefix="scones-benchmark-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-benchmark")
        with closing(open_environment(settings)):
            runs = []
            for size in sizes:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    runs.append(pool.submit(_measure_one, settings, size).result())
                say(f"{runs[-1]}")
    largest = runs[-1]
    return {
        "records": list(sizes),
        "max_query_ms": max(run["max_query_ms"] for run in runs),
        "page_seconds": [run["page_seconds"] for run in runs],
        "page_again_seconds": [run["page_again_seconds"] for run in runs],
        "flatness": round(largest["page_seconds"] / runs[0]["page_seconds"], 2),
        "payload_mb": max(run["payload_mb"] for run in runs),
        "store_mb": [run["store_mb"] for run in runs],
        "query_ms": largest["query_ms"],
    }


def _measure_one(settings: Settings, size: int) -> dict[str, Any]:
    os.environ.update(SCONES_STATE_DIR=str(settings.state_dir), SCONES_PROJECT=settings.project)
    with closing(open_environment(settings)) as environment:
        folder = settings.state_dir / f"captured-{size}"
        folder.mkdir()
        source = monitoring.add_source(environment, str(folder))
        store = store_at(cache_path(environment, source))
        began = time.perf_counter()
        _fill(store, size)
        say(f"{size:,} records written in {time.perf_counter() - began:.0f} s")
        [(_, line)] = capture_files.files(1, 1, capture_files.now())
        captures.fetch_line = lambda *_: line  # type: ignore[attr-defined]
        with store.only_writer():  # the folder's files, of which there are none, are not to be read
            queries = _time_queries(store)
            _visit(environment.names.bucket)  # whatever is imported, is
            pages, payload = zip(*[_visit(source.url) for _ in range(TURNS)], strict=True)
        return {
            "query_ms": queries,
            "max_query_ms": max(queries.values()),
            "page_seconds": round(pages[0], 3),
            "page_again_seconds": round(median(pages[1:]), 3),
            "payload_mb": round(payload[0] / 1e6, 3),
            "store_mb": round(store.path.stat().st_size / 1e6),
        }


def _visit(source: str) -> tuple[float, int]:
    """Open the page on all of a source, in a new session: seconds, and bytes for the browser."""
    sent: list[int] = []
    forwarded = LocalScriptRunner.forward_msgs

    def counted(self: LocalScriptRunner) -> Any:
        messages = forwarded(self)
        sent.append(sum(message.ByteSize() for message in messages))
        return messages

    app = AppTest.from_file(_PAGE, default_timeout=120)
    app.query_params["source"] = source
    app._page_hash = calc_hash("monitoring")
    LocalScriptRunner.forward_msgs = counted  # type: ignore[method-assign]
    began = time.perf_counter()
    try:
        app.run()
    finally:
        LocalScriptRunner.forward_msgs = forwarded  # type: ignore[method-assign]
    seconds = time.perf_counter() - began
    if app.exception:
        raise AssertionError(app.exception[0].value)
    return seconds, sent[-1]


def _time_queries(store: CaptureStore) -> dict[str, float]:
    """Milliseconds of each question that the page asks, the median of some, over the whole range."""
    everything = Selection(START, START + timedelta(days=DAYS))
    week, day, hour = (
        Selection(START + timedelta(days=40), START + timedelta(days=40) + length)
        for length in (timedelta(days=7), timedelta(days=1), timedelta(hours=1))
    )
    some = Selection(START, START + timedelta(days=DAYS), "scones", "B", 4)
    with store.reading() as cursor:
        ids = [int(number) for number in finding.sample(cursor, everything, 24, 0)["record_id"]]
        questions: dict[str, Callable[[DuckDBPyConnection], Any]] = {
            "contents": contents.contents,
            "summary": partial(summaries.summarize, selection=everything),
            "summary of a class": partial(summaries.summarize, selection=some),
            "summary of a week": partial(summaries.summarize, selection=week),
            "summary of a day": partial(summaries.summarize, selection=day),
            "points of an hour": partial(finding.records, selection=hour, limit=3000),
            "too many points": partial(finding.records, selection=everything, limit=3000),
            "least sure": partial(finding.lowest, selection=everything, limit=24),
            "newest": partial(finding.newest, selection=everything, limit=24),
            "newest rejects": partial(finding.newest, selection=everything, limit=24, confidence=(0.0, 0.93)),
            "rare ones": partial(finding.newest, selection=some, limit=24, confidence=(0.5, 0.505)),
            "sample": partial(finding.sample, selection=everything, limit=24, seed=1),
            "neighbors": partial(finding.beside, selection=everything, record_id=ids[12]),
            "one record": partial(finding.one, record_id=ids[7]),
            "24 records": partial(finding.by_ids, record_ids=ids),
        }
        return {name: _milliseconds(question, cursor) for name, question in questions.items()}


def _milliseconds(question: Callable[[DuckDBPyConnection], Any], cursor: DuckDBPyConnection) -> float:
    taken = []
    for _ in range(TURNS):
        began = time.perf_counter()
        question(cursor)
        taken.append(time.perf_counter() - began)
    return round(median(taken) * 1000, 1)


def _fill(store: CaptureStore, size: int) -> None:
    with store.writing() as cursor:
        cursor.execute("INSERT INTO streams VALUES (1, 'scones', 'A'), (2, 'scones', 'B')")
    for first in range(0, size, _CHUNK):
        count = min(_CHUNK, size - first)
        rows = _rows(first, count, size)
        with store.writing() as cursor:
            cursor.register("rows", rows)
            cursor.execute("INSERT INTO records BY NAME SELECT *, 'execution-' || record_id AS inference_id FROM rows")
            rollups.add(cursor, "rows")
            cursor.execute(
                """INSERT INTO files SELECT file_id, 'captured/' || file_id || '.jsonl', 'etag', min(stream_id),
                max(time) + INTERVAL 1 MINUTE, 60, count(*), 0, 0 FROM rows GROUP BY file_id"""
            )
            cursor.unregister("rows")
    with store.writing() as cursor:
        rollups.compact(cursor)


def _rows(first: int, count: int, size: int) -> pa.Table:
    generator = np.random.default_rng(first)
    numbers = np.arange(first, first + count)
    day = numbers * DAYS / size
    times = (day // 1 + (day % 1) ** 1.5) * 86_400e6  # more in the evening than in the morning
    late = generator.random(count) < 0.02
    times = np.maximum(times - late * generator.random(count) * 2 * 86_400e6, 0)
    confidences = 1 - 0.5 * generator.random(count) ** 3
    return pa.table(
        {
            "record_id": numbers,
            "file_id": numbers // _FILE_RECORDS,
            "offset": numbers % _FILE_RECORDS * 4_000,
            "length": np.full(count, 4_000),
            "position": np.zeros(count, np.int32),
            "stream_id": np.where(generator.random(count) < 0.7, 1, 2).astype(np.int16),
            "time": pa.array(times.astype(np.int64) + int(START.timestamp()) * 1_000_000, pa.timestamp("us")),
            "class_index": np.minimum(generator.geometric(0.5, count) - 1, 4).astype(np.int32),
            "confidence": confidences,
            "bin": bins_of(confidences),
            "width": np.full(count, 32, np.int32),
            "height": np.full(count, 32, np.int32),
            "brightness": generator.random(count, np.float32),
            "contrast": generator.random(count, np.float32),
            "sharpness": generator.random(count, np.float32),
        }
    )
