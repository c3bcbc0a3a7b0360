"""Reading captured records from S3 against the way the course shows, on the same files in the same run.

The course's way: each file downloaded to disk by s3transfer, as the SDK's S3Downloader does, its lines read one by one
with the json module. Both run in processes of their own, whose CPU and memory are counted.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from backend.aws.environment import Environment, open_environment
from backend.monitoring import ingest as ingesting
from backend.monitoring.ingest import ingest
from backend.monitoring.objects import list_all, list_recent, open_place
from backend.monitoring.pictures import Picture, PictureState
from backend.monitoring.sources import project_source
from backend.monitoring.store import store_at
from backend.settings import Settings
from benchmarks import capture_files
from benchmarks.place import say

TURNS = 3
NEW_FILES = 100
_NO_PICTURE = Picture(PictureState.NOT_CAPTURED)


def measure(records: int, objects: int, more_records: int) -> dict[str, Any]:
    """The figures by name: the two ways at `records` in `objects` files, then this one at `more_records`."""
    with tempfile.TemporaryDirectory(prefix="scones-benchmark-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-benchmark")
        with closing(open_environment(settings)) as environment:
            environment.s3.create_bucket(Bucket=environment.bucket)
            size = _put(environment, records, objects)
            ours, theirs = [], []
            for turn in range(TURNS):
                ours.append(_run(_read, settings, f"turn-{turn}", False))
                theirs.append(_run(_read_as_the_course_does, settings))
                say(f"turn {turn + 1}: {ours[-1]} against {theirs[-1]}")
            assert {run["records"] for run in ours + theirs} == {records}  # noqa: S101
            whole = _run(_read, settings, "whole", True)
            figures = {
                "records": records,
                "objects": objects,
                "megabytes": round(size / 1e6),
                "wall_seconds": _median(ours, "wall"),
                "cpu_seconds": _median(ours, "cpu"),
                "course_wall_seconds": _median(theirs, "wall"),
                "course_cpu_seconds": _median(theirs, "cpu"),
                "wall_speedup": round(_median(theirs, "wall") / _median(ours, "wall"), 2),
                "cpu_speedup": round(_median(theirs, "cpu") / _median(ours, "cpu"), 2),
                "with_image_statistics_wall_seconds": whole["wall"],
                "image_statistics_cpu_seconds": round(whole["cpu"] - _median(ours, "cpu"), 2),
            }
        return figures | _at_scale(Path(folder) / "scale", more_records, more_records * objects // records)


def _at_scale(folder: Path, records: int, objects: int) -> dict[str, Any]:
    """What reading takes of so many records, with image statistics, and what reading what is new takes then."""
    settings = Settings(environment="embedded", state_dir=folder, project="scones-benchmark")
    with closing(open_environment(settings)) as environment:
        environment.s3.create_bucket(Bucket=environment.bucket)
        _put(environment, records, objects)
        first = _run(_read, settings, "scale", True)
        say(f"at {records:,}: {first}")
        later = list(capture_files.files(NEW_FILES * 20, NEW_FILES, capture_files.now(), seed=1))
        hour = capture_files.now() - timedelta(hours=1)
        renamed = [
            (f"data_capture/scones/AllTraffic/{hour:%Y/%m/%d/%H}/59-59-{number:08}.jsonl", content)
            for number, (_, content) in enumerate(later)
        ]
        capture_files.put(_bucket(environment), iter(renamed))
        new = _run(_read_what_is_new, settings, "scale")
        say(f"new: {new}")
        return {
            "scale_records": first["records"],
            "scale_objects": objects,
            "scale_wall_seconds": first["wall"],
            "scale_cpu_seconds": first["cpu"],
            "peak_mb": first["peak_mb"],
            "store_mb": first["store_mb"],
            "incremental_files": new["files"],
            "incremental_seconds": new["wall"],
        }


def _put(environment: Environment, records: int, objects: int) -> int:
    say(f"storing {records:,} records in {objects:,} files")
    return capture_files.put(_bucket(environment), capture_files.files(records, objects, capture_files.now()))


def _bucket(environment: Environment) -> Any:
    place: Any = open_place(environment, project_source(environment))
    return place.store


def _run(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a function gives, run in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _read(settings: Settings, name: str, with_pictures: bool) -> dict[str, Any]:
    """Bring all files into a new cache."""
    if not with_pictures:
        ingesting.measure_all = _measure_none  # type: ignore[assignment, attr-defined]
    with closing(open_environment(settings)) as environment:
        store = store_at(settings.state_dir / f"{name}.duckdb")
        place = open_place(environment, project_source(environment))
        with _measured() as figures:
            report = ingest(store, place, list_all(place))
        return figures | {"records": report.records, "store_mb": round(store.path.stat().st_size / 1e6, 1)}


def _measure_none(inputs: Sequence[object], _pool: object) -> list[Picture]:
    return [_NO_PICTURE] * len(inputs)


def _read_what_is_new(settings: Settings, name: str) -> dict[str, Any]:
    with closing(open_environment(settings)) as environment:
        store = store_at(settings.state_dir / f"{name}.duckdb")
        place = open_place(environment, project_source(environment))
        with _measured() as figures:
            report = ingest(store, place, list_recent(place, capture_files.now() - timedelta(hours=48)))
        return figures | {"files": report.objects}


def _read_as_the_course_does(settings: Settings) -> dict[str, Any]:
    with closing(open_environment(settings)) as environment, tempfile.TemporaryDirectory() as folder:
        client, bucket = environment.s3, environment.bucket
        rows = []
        with _measured() as figures:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="data_capture/")
            keys = [item["Key"] for page in pages for item in page["Contents"]]
            for key in keys:
                path = Path(folder) / key
                path.parent.mkdir(parents=True, exist_ok=True)
                client.download_file(bucket, key, str(path))
            for path in Path(folder).rglob("*.jsonl"):
                with path.open() as file:
                    for line in file:
                        record = json.loads(line)
                        answer = json.loads(record["captureData"]["endpointOutput"]["data"])
                        rows.append((record["eventMetadata"]["inferenceTime"], max(answer)))
        return figures | {"records": len(rows)}


@contextmanager
def _measured() -> Iterator[dict[str, float]]:
    """Wall and CPU seconds of what happens inside, and how far memory rose above what it was, in MB."""
    figures: dict[str, float] = {}
    before = psutil.Process().memory_info().rss
    wall, cpu = time.perf_counter(), time.process_time()
    yield figures
    figures["wall"] = round(time.perf_counter() - wall, 3)
    figures["cpu"] = round(time.process_time() - cpu, 3)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6 - before / 1e6, 1)


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return float(median(run[name] for run in runs))
