"""A detector as JSON of some 20 kB, to be kept in the store beside the records that it was fed."""

from __future__ import annotations

import msgspec
import numpy as np

from backend.drift.baseline import Baseline
from backend.drift.bets import Winnings
from backend.drift.detector import Alarm, Detector, State
from backend.drift.features import Column
from backend.drift.records import Floats
from backend.drift.standing import Difference


class StoredBaseline(msgspec.Struct, frozen=True):
    """The fields of Baseline, arrays as lists."""

    columns: list[Column]
    edges: list[list[float]]
    gaps: list[list[int]]
    records: int

    @classmethod
    def of(cls, baseline: Baseline) -> StoredBaseline:
        """All of a baseline, to be kept as JSON."""
        return cls(baseline.columns, baseline.edges.tolist(), baseline.gaps.tolist(), baseline.records)

    def baseline(self) -> Baseline:
        """The baseline that was kept."""
        return Baseline(self.columns, _floats(self.edges), np.array(self.gaps), self.records)


class _Stored(msgspec.Struct, frozen=True):
    """The fields of State and Winnings, arrays as lists, beside the baseline."""

    promise: int
    baseline: StoredBaseline
    below: list[list[int]]
    won: list[float]
    best: list[float]
    since: list[int]
    since_time: list[int]
    lamp: list[float]
    last: list[int]
    records: int
    repeated: int
    alarm: Alarm | None
    difference: Difference | None


def pack(detector: Detector) -> bytes:
    """All of it, with its baseline."""
    state, winnings = detector.state, detector.state.winnings
    return msgspec.json.encode(
        _Stored(
            promise=detector.promise,
            baseline=StoredBaseline.of(detector.baseline),
            below=state.below.tolist(),
            won=winnings.won.tolist(),
            best=winnings.best.tolist(),
            since=winnings.since.tolist(),
            since_time=winnings.since_time.tolist(),
            lamp=state.lamp.tolist(),
            last=state.last.tolist(),
            records=state.records,
            repeated=state.repeated,
            alarm=state.alarm,
            difference=state.difference,
        )
    )


def unpack(content: bytes) -> Detector:
    """The detector that was packed; raises msgspec.DecodeError for anything else."""
    stored = msgspec.json.decode(content, type=_Stored)
    state = State(
        below=np.array(stored.below),
        winnings=Winnings(
            _floats(stored.won), _floats(stored.best), np.array(stored.since), np.array(stored.since_time)
        ),
        lamp=_floats(stored.lamp),
        last=np.array(stored.last, np.uint64),
        records=stored.records,
        repeated=stored.repeated,
        alarm=stored.alarm,
        difference=stored.difference,
    )
    return Detector(stored.baseline.baseline(), stored.promise, state)


def _floats(values: list[float] | list[list[float]]) -> Floats:
    return np.array(values, np.float64)
