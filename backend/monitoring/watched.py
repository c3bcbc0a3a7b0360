"""What drift is watched for, of each source: baseline and promise, and who acknowledged which alarm; kept in S3.

So whoever reads the same captures, on whichever machine, comes to the same alarms.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from backend.aws.bucket import read_version, replace_object
from backend.aws.environment import Environment
from backend.aws.names import DRIFT_PREFIX
from backend.aws.polling import attempts
from backend.drift import Feature, StoredBaseline
from backend.errors import DriftDamaged
from backend.monitoring.sources import CaptureSource

_PATIENCE_SECONDS: Final = 10.0


class Acknowledgement(msgspec.Struct, frozen=True):
    """Who has seen an alarm, when, and what it said; times are UTC."""

    at: datetime
    who: str
    raised_at: datetime
    since: datetime
    feature: Feature
    class_index: int | None = None


class Usual(msgspec.Struct, frozen=True):
    """A baseline, and where it is from: the evaluation of a training job's model, or a window of captured records.

    `quantiles` are up to some hundred values of each feature, evenly spaced in rank, to be drawn; `by_class` is how
    often each class was answered.
    """

    baseline: StoredBaseline
    quantiles: dict[Feature, list[float]]
    by_class: list[int]
    job: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Watched(msgspec.Struct, frozen=True):
    """A stream with its baseline: `revision` is another one for each baseline and promise, which all is counted by.

    Records from `since` on count. `other` is the index of the class `other`, None where the model has none.
    """

    endpoint: str
    variant: str
    revision: str
    promise: int
    since: datetime
    other: int | None
    usual: Usual
    chosen_at: datetime
    acknowledgements: tuple[Acknowledgement, ...] = ()

    @property
    def stream(self) -> tuple[str, str]:
        return self.endpoint, self.variant


class _File(msgspec.Struct, frozen=True):
    streams: list[Watched] = []


def watched_key(source: CaptureSource) -> str:
    """Where in the bucket it is kept what a source is watched for."""
    return f"{DRIFT_PREFIX}{source.cache_name}.json"


def read_watched(environment: Environment, source: CaptureSource) -> list[Watched]:
    """The streams of a source that have a baseline; raises DriftDamaged and AwsRequestError."""
    return _read(environment, source)[0].streams


def change_watched(
    environment: Environment,
    source: CaptureSource,
    stream: tuple[str, str],
    change: Callable[[Watched | None], Watched | None],
) -> None:
    """Put what `change` makes of a stream's entry in its place; None for none. Others may change theirs meanwhile.

    Raises what `change` does, DriftDamaged and AwsRequestError.
    """
    for _ in attempts("Keeping what drift is watched for", _PATIENCE_SECONDS):
        file, version = _read(environment, source)
        before = next((watched for watched in file.streams if watched.stream == stream), None)
        after = change(before)
        kept = [watched for watched in file.streams if watched.stream != stream] + ([after] if after else [])
        content = msgspec.json.encode(_File(kept))
        action = "keep what drift is watched for"
        if replace_object(environment, watched_key(source), content, version, action=action) is not None:
            return


def _read(environment: Environment, source: CaptureSource) -> tuple[_File, str | None]:
    found = read_version(environment, watched_key(source))
    if found is None:
        return _File(), None
    content, version = found
    try:
        return msgspec.json.decode(content, type=_File), version
    except msgspec.DecodeError as error:
        raise DriftDamaged(
            f"What drift is watched for in {source.name} is damaged ({error}). "
            f"Delete s3://{environment.bucket}/{watched_key(source)}, and choose baselines again."
        ) from error
