"""How soon the drift alarm notices, how often it is wrong, and the same of the population stability index.

Each stream has a baseline of its own: of the known images that no training has seen, some are drawn as the baseline,
and traffic is drawn from the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backend.drift import DEFAULT_PROMISE, Baseline, Detector, Records, StoredBaseline, describe
from backend.drift.baseline import BINS
from backend.monitoring.feeding import catch_up
from backend.monitoring.plain import EARLIEST
from backend.monitoring.store import CaptureStore
from backend.monitoring.watched import Usual, Watched
from backend.traffic import Drift, scenarios
from benchmarks.place import say
from benchmarks.streams import Model, models

STREAMS = 200
UNDISTURBED = 10_000
"""Records of a stream without a change, by which false alarms are counted."""
BEFORE, AFTER = 1_000, 4_000
"""Records before and after a change; what is not noticed by then counts as noticed at the end."""
BEFORE_FOREIGN, AFTER_FOREIGN = 4_000, 3_000
FOREIGN = "foreign 10 %"
_WINDOW = 100
"""Records of which an index is taken."""
_FILES = 1_000
"""In which the records of a backfill are."""
_STEP = 250
"""Records at once, after each of which an alarm is acknowledged while nothing has changed."""


@dataclass(frozen=True)
class Noticed:
    """Of each stream the records after the change until it was noticed, as many as there were where it was not."""

    delays: list[int]
    horizon: int
    features: Counter[str]
    since: list[int]
    """By estimate, in records after the change: below 0 where it is put too early."""

    @property
    def median(self) -> float:
        return float(np.median(self.delays))

    @property
    def share(self) -> float:
        return float(np.mean(np.array(self.delays) < self.horizon))


def measure(archive: Path, images: Path, streams: int = STREAMS) -> dict[str, Any]:
    """The figures by name; raises InvalidImage for a folder without images."""
    taught, plain = models(archive, images)
    return {"streams": streams, "promise": DEFAULT_PROMISE} | figures(taught, plain, streams)


def figures(taught: Model, plain: Model, streams: int) -> dict[str, Any]:
    """Those of a model with the class `other`, and beside them those of one without."""
    held_out, same = false_alarms(taught, streams), false_alarms(taught, streams, from_baseline=True)
    say(f"false alarms are counted: {held_out}")
    rate = max(1.0, held_out["false_alarms_per_10000"])
    thresholds = {several: psi_threshold(taught, streams, rate, several=several) for several in (False, True)}
    found = {name: noticed(taught, name, BEFORE, AFTER, streams) for name in scenarios(_known(taught))}
    indices = {
        several: {name: psi_noticed(taught, name, threshold, streams, several=several) for name in found}
        for several, threshold in thresholds.items()
    }
    say("scenarios are measured")
    foreign = noticed(taught, FOREIGN, BEFORE_FOREIGN, AFTER_FOREIGN, streams)
    foreign_without = noticed(plain, FOREIGN, BEFORE_FOREIGN, AFTER_FOREIGN, streams)
    return {
        **held_out,
        **{f"{name}_of_the_baselines_images": value for name, value in same.items()},
        **{f"{name}_without": value for name, value in false_alarms(plain, streams).items()},
        "median_delay_ratio": _ratio(found, indices[True]),
        "median_delay_ratio_to_confidence_alone": _ratio(found, indices[False]),
        "foreign_delay": foreign.median,
        "foreign_found": foreign.share,
        "foreign_delay_without": foreign_without.median,
        "foreign_found_without": foreign_without.share,
        "psi_threshold": round(thresholds[True], 3),
        "seconds_per_million": round(seconds_per_million(taught), 1),
        "delays": {name: _described(of, indices[True][name], indices[False][name]) for name, of in found.items()},
    }


def false_alarms(model: Model, streams: int, *, from_baseline: bool = False) -> dict[str, float]:
    """Alarms among 10,000 undisturbed records, and the share of streams that lit the lamp.

    Traffic is of images that the baseline does not have, or of those that it has, as the traffic generator's.
    """
    alarms, lit = 0, 0
    for rng, detector, pool in _detectors(model, streams, from_baseline=from_baseline):
        alarms += _acknowledged(detector, _drawn(model, Drift(), pool, UNDISTURBED, rng))
        lit += detector.difference is not None
    return {"false_alarms_per_10000": alarms / streams / UNDISTURBED * 10_000, "lamp_lit": lit / streams}


def noticed(model: Model, scenario: str, before: int, after: int, streams: int) -> Noticed:
    """When a change after so many undisturbed records was noticed, as which feature's, and since when by estimate."""
    delays, features, since = [], Counter[str](), []
    for rng, detector, pool in _detectors(model, streams):
        _acknowledged(detector, _drawn(model, Drift(), pool, before, rng))
        changed = _drawn(model, scenarios(_known(model))[scenario], pool, after, rng, scenario)
        for part in _parts(replace(changed, time=changed.time + before)):
            detector.feed(part)
            if detector.alarm is not None:
                break
        if detector.alarm is not None:
            features[detector.alarm.feature] += 1
            since.append(detector.alarm.since_time - before)
        delays.append(detector.alarm.time - before + 1 if detector.alarm is not None else after)
    return Noticed(delays, after, features, since)


def psi_threshold(model: Model, streams: int, rate: float, *, several: bool) -> float:
    """The index that undisturbed windows exceed so many times in 10,000 records."""
    found: list[float] = []
    for rng, detector, pool in _detectors(model, streams):
        found.extend(_indices(detector.baseline, _drawn(model, Drift(), pool, UNDISTURBED, rng), several=several))
    return float(np.quantile(found, 1 - rate * _WINDOW / 10_000))


def psi_noticed(model: Model, scenario: str, threshold: float, streams: int, *, several: bool) -> Noticed:
    """When the index of a window was above the threshold; the first one begins with the change."""
    delays = []
    for rng, detector, pool in _detectors(model, streams):
        changed = _drawn(model, scenarios(_known(model))[scenario], pool, AFTER, rng, scenario)
        above = np.flatnonzero(_indices(detector.baseline, changed, several=several) > threshold)
        delays.append(int(above[0] + 1) * _WINDOW if len(above) else AFTER)
    return Noticed(delays, AFTER, Counter(), [])


def seconds_per_million(model: Model, records: int = 200_000) -> float:
    """Processor time of a backfill of what is in the store already."""
    rng, detector, pool = next(_detectors(model, 1))
    return backfill_seconds(detector.baseline, _drawn(model, Drift(), pool, records, rng), model.other) / records * 1e6


def backfill_seconds(baseline: Baseline, records: Records, other: int | None) -> float:
    """Processor time until an alarm was fed records that are in the store: read, bet on, and all kept in it."""
    usual = Usual(StoredBaseline.of(baseline), {}, [])
    none_is_raised = 10**12  # so that all records are bet on
    watched = Watched("scones", "AllTraffic", "1", none_is_raised, EARLIEST, other, usual, EARLIEST)
    with TemporaryDirectory() as folder:
        store = CaptureStore(Path(folder) / "store.duckdb")
        _store(store, records, other)
        began = time.process_time()
        catch_up(store, [watched])
        return time.process_time() - began


def _store(store: CaptureStore, records: Records, other: int | None) -> None:
    """Put records into the store, as those of 1,000 files; probabilities but for that of `other` are made up."""
    count = len(records)
    probabilities = np.zeros((count, (other or 1) + 1), np.float32)
    probabilities[:, -1] = 0 if records.other is None else records.other
    first = EARLIEST.replace(tzinfo=None)
    rows = {
        "record_id": np.arange(1, count + 1),
        "file_id": np.arange(count) // (count // _FILES + 1),
        "offset": np.arange(count) * 3_000,
        "length": np.full(count, 3_000),
        "position": np.zeros(count, np.int32),
        "stream_id": np.ones(count, np.int16),
        "time": pa.array(np.datetime64(first, "us") + np.arange(count) * np.timedelta64(1_000_000, "us")),
        "class_index": records.class_index.astype(np.int32),
        "confidence": records.confidence,
        "bin": np.zeros(count, np.uint16),
        "brightness": records.brightness.astype(np.float32),
        "contrast": records.contrast.astype(np.float32),
        "sharpness": records.sharpness.astype(np.float32),
        "probabilities": pa.FixedSizeListArray.from_arrays(probabilities.ravel(), probabilities.shape[1]),
        "content": records.content,
    }
    with store.writing() as cursor:
        cursor.register("rows", pa.table(rows))
        cursor.execute("INSERT INTO streams VALUES (1, 'scones', 'AllTraffic')")
        cursor.execute("INSERT INTO records BY NAME SELECT * FROM rows")
        cursor.execute(
            """INSERT INTO files SELECT file_id, 'captured/' || file_id || '.jsonl', 'etag', 1, max(time), 0, count(*),
            0, 0 FROM rows GROUP BY file_id"""
        )
        cursor.unregister("rows")


def _detectors(
    model: Model, streams: int, *, from_baseline: bool = False
) -> Iterator[tuple[np.random.Generator, Detector, NDArray[np.int64]]]:
    for stream in range(streams):
        rng = np.random.default_rng(stream)
        baseline, pool = model.draw(rng)
        records = model.plain.records(baseline, model.other, rng)
        yield rng, Detector(Baseline.of(records, len(model.labels))), baseline if from_baseline else pool


def _drawn(
    model: Model, drift: Drift, pool: NDArray[np.int64], length: int, rng: np.random.Generator, scenario: str = ""
) -> Records:
    answered = model.distorted.get(scenario, model.plain)
    return answered.records(model.stream(drift, pool, length, rng), model.other, rng)


def _acknowledged(detector: Detector, records: Records) -> int:
    """How many alarms were raised, each of which is acknowledged soon."""
    alarms = 0
    for part in _parts(records):
        detector.feed(part)
        alarms += detector.alarm is not None
        detector.acknowledge()
    return alarms


def _parts(records: Records) -> Iterator[Records]:
    return (records.take(slice(start, start + _STEP)) for start in range(0, len(records), _STEP))


def _indices(baseline: Baseline, records: Records, *, several: bool) -> NDArray[np.float64]:
    """The index of confidence of each window; with `several` the highest one of any feature."""
    bins = baseline.bins(records).reshape(-1, _WINDOW, len(baseline.columns))
    columns = range(len(baseline.columns)) if several else [0]
    counts = np.stack([_counts(bins[:, :, column]) for column in columns], axis=1)
    usual = _tenths(baseline.counts[list(columns)])
    return np.asarray(describe.psi(usual, _tenths(counts)).max(axis=-1))


def _counts(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row, how many are in each bin."""
    flat = bins + BINS * np.arange(len(bins))[:, None]
    return np.bincount(flat.ravel(), minlength=BINS * len(bins)).reshape(len(bins), BINS)


def _tenths(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(counts.reshape(*counts.shape[:-1], describe.DECILES, -1).sum(axis=-1))


def _known(model: Model) -> list[str]:
    return list(model.labels[: len(model.classes)])


def _ratio(found: dict[str, Noticed], indices: dict[str, Noticed]) -> float:
    return round(float(np.median([found[name].median / indices[name].median for name in found])), 3)


def _described(found: Noticed, several: Noticed, alone: Noticed) -> dict[str, Any]:
    return {
        "delay": found.median,
        "found": round(found.share, 3),
        "psi_any": several.median,
        "psi_confidence": alone.median,
        "since": _rounded(np.percentile(found.since, [10, 50, 90])) if found.since else None,
        "features": dict(found.features.most_common(3)),
    }


def _rounded(values: Sequence[float] | NDArray[np.float64]) -> list[int]:
    return [round(float(value)) for value in values]
