"""What is before a change, and what behind it: the records to be set side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from backend.aws.environment import Environment
from backend.drift import Records
from backend.drift.features import Column, values
from backend.drift.records import Floats
from backend.drift_alarm.standing import Standing, at
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.drifting import selected_records

_AFTER: Final = 1_000
"""Records behind the change that are looked at, and at most before it."""
_ENOUGH: Final = 50
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """The records around an estimated change; `before` is None where too few were captured, and the baseline counts.

    `pictures_before` are the records whose pictures stand for what was usual, None where only the evaluation has such.
    """

    at: datetime
    before: Records | None
    after: Records
    pictures_before: Selection | None
    pictures_after: Selection


def change_of(environment: Environment, source: CaptureSource, standing: Standing) -> Change | None:
    """That of the alarm that is on or, without one, what the lamp tells of; None where there is neither.

    Raises CaptureUnavailable.
    """
    watched = standing.watched
    if standing.alarm is not None:
        since = at(standing.alarm.since_time)
    elif standing.difference is not None:
        since = watched.since
    else:
        return None
    ahead, behind = _selection(standing, watched.since, since), _selection(standing, since, _LAST)
    before = selected_records(environment, source, ahead, watched.other, _AFTER)
    after = selected_records(environment, source, behind, watched.other, _AFTER, newest=False)
    has_before = len(before) >= _ENOUGH
    usual = watched.usual
    if has_before:
        pictures = _selection(standing, at(int(before.time[0])), since)
    elif usual.start is not None and usual.end is not None:
        pictures = _selection(standing, usual.start, usual.end)
    else:
        pictures = None
    until = at(int(after.time[-1])) + timedelta(microseconds=1) if len(after) else since
    return Change(since, before if has_before else None, after, pictures, _selection(standing, since, until))


def values_of(records: Records, column: Column) -> Floats:
    """A feature's values, those that there are; of sharpness the logarithm, of a class 1 or 0."""
    found = values(records, [column])[:, 0]
    return np.asarray(found[~np.isnan(found)])


def _selection(standing: Standing, start: datetime, end: datetime) -> Selection:
    return Selection(start, end, standing.watched.endpoint, standing.watched.variant)
