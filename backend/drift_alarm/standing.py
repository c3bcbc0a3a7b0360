"""How the alarms stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.aws.environment import Environment
from backend.drift import Alarm, Detector, Difference, Feature
from backend.drift.features import Column
from backend.monitoring import CaptureSource
from backend.monitoring.drifting import detectors
from backend.monitoring.watched import Watched, read_watched


@dataclass(frozen=True)
class Standing:
    """A stream's alarm as it is now.

    `records` were counted and `repeated` left out; `is_counting` until the first look since it is watched so. The alarm
    is raised when `evidence` reaches the promise.
    """

    watched: Watched
    columns: tuple[Column, ...]
    records: int = 0
    repeated: int = 0
    evidence: float = 0.0
    alarm: Alarm | None = None
    difference: Difference | None = None
    is_counting: bool = True

    @property
    def is_from_the_first(self) -> bool:
        """Whether the difference was certain before any change was told; else that change may be all of it."""
        lit = self.difference
        return lit is not None and not any(at(lit.time) >= episode.since for episode in episodes(self))

    @property
    def differing(self) -> Column | None:
        """Of what the difference since the first record is strongest."""
        return None if self.difference is None else self.columns[self.difference.column]


@dataclass(frozen=True)
class Episode:
    """A time that an alarm was on for: until it was acknowledged, or now where `until` is None."""

    feature: Feature
    class_index: int | None
    since: datetime
    raised_at: datetime
    until: datetime | None = None
    who: str | None = None


def standings(environment: Environment, source: CaptureSource) -> dict[tuple[str, str], Standing]:
    """Those of a source's streams that have a baseline, by endpoint and variant.

    Raises DriftDamaged, CaptureUnavailable and AwsRequestError.
    """
    watched = read_watched(environment, source)
    found = detectors(environment, source, watched)
    return {of.stream: _standing(of, *found.get(of.stream, (None, 0))) for of in watched}


def episodes(standing: Standing) -> Iterator[Episode]:
    """All times that an alarm was on, the newest first."""
    if (alarm := standing.alarm) is not None:
        yield Episode(alarm.feature, alarm.class_index, at(alarm.since_time), at(alarm.time))
    for seen in reversed(standing.watched.acknowledgements):
        yield Episode(seen.feature, seen.class_index, seen.since, seen.raised_at, seen.at, seen.who)


def at(microseconds: int) -> datetime:
    """The time of a record, which the detector has in microseconds since 1970 UTC."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _standing(watched: Watched, detector: Detector | None, acknowledged: int) -> Standing:
    if detector is None:
        return Standing(watched, tuple(watched.usual.baseline.columns))
    is_seen = acknowledged < len(watched.acknowledgements)  # and the next reading lets the detector know
    return Standing(
        watched,
        tuple(detector.baseline.columns),
        detector.state.records,
        detector.state.repeated,
        detector.evidence,
        None if is_seen else detector.alarm,
        detector.difference,
        is_counting=False,
    )
