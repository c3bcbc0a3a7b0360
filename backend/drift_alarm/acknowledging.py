"""Saying that an alarm was seen: it goes off, and what was usual before it is watched for changes again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from backend.aws.environment import Environment
from backend.drift_alarm.standing import Standing, at
from backend.errors import DriftNotWatched
from backend.monitoring import CaptureSource
from backend.monitoring.refreshing import catch_up_drift
from backend.monitoring.watched import Acknowledgement, Watched, change_watched


def acknowledge(environment: Environment, source: CaptureSource, standing: Standing, who: str) -> None:
    """Write down who has seen the alarm, and switch it off.

    Raises DriftNotWatched where nobody is named, there is none or the baseline was changed meanwhile; somebody else's
    acknowledgement of the same alarm is enough. Raises CaptureUnavailable and AwsRequestError.
    """
    alarm = standing.alarm
    if alarm is None:
        raise DriftNotWatched(f"No alarm of variant {standing.watched.variant} is on.")
    if not who.strip():
        raise DriftNotWatched("Type your name: it is kept with the acknowledgement.")
    seen = Acknowledgement(
        datetime.now(UTC), who.strip(), at(alarm.time), at(alarm.since_time), alarm.feature, alarm.class_index
    )

    def changed(before: Watched | None) -> Watched:
        if before is None or before.revision != standing.watched.revision:
            raise DriftNotWatched("The baseline or the promise was changed meanwhile. Look at the alarm again.")
        if any(other.raised_at == seen.raised_at for other in before.acknowledgements):
            return before
        return msgspec.structs.replace(before, acknowledgements=(*before.acknowledgements, seen))

    change_watched(environment, source, standing.watched.stream, changed)
    catch_up_drift(environment, source)
