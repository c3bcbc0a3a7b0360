"""From readings to states, as CloudWatch does: M of the last N, and what is missing among them.

Source: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from backend.alerts.figures import Reading
from backend.alerts.rules import MissingData, Rule

_MORE: Final = 2
"""Windows before the last N that are looked at, so that what is missing can be made up for."""


class State(StrEnum):
    """CloudWatch's."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


def looked_at(rule: Rule) -> int:
    """Windows of the evaluation range: N, and two more."""
    return rule.evaluation_periods + _MORE


def breaching(rule: Rule, reading: Reading | None) -> bool | None:
    """Whether a window is wrong; None where it is missing, or has too few records to say."""
    if reading is None or (reading.records is not None and reading.records < rule.least_records):
        return None
    return rule.comparison.holds(reading.value, rule.threshold)


def judge(rule: Rule, points: Sequence[bool | None], current: State) -> State:
    """The state after these windows of the evaluation range, oldest first: wrong, not wrong, or missing (None).

    The newest N that are there decide; where there are fewer, those that are missing count as the rule says.
    """
    there = [point for point in points if point is not None][-rule.evaluation_periods :]
    missing = rule.evaluation_periods - len(there)
    wrong = sum(there)
    if rule.missing is MissingData.BREACHING:
        wrong += missing
    if wrong >= rule.datapoints_to_alarm:
        return State.ALARM
    if rule.missing in (MissingData.BREACHING, MissingData.NOT_BREACHING) or not missing:
        return State.OK
    return _of_few(rule, points, there, current)


def _of_few(rule: Rule, points: Sequence[bool | None], there: Sequence[bool], current: State) -> State:
    """Where fewer than N windows are there, too few of them wrong, and the missing ones say nothing."""
    if not there:
        return State.INSUFFICIENT_DATA if rule.missing is MissingData.MISSING else current
    if not all(there):
        return State.OK
    age = len(points) - points.index(True)
    if rule.missing is MissingData.MISSING and age >= rule.datapoints_to_alarm:
        return State.ALARM  # nothing has been right since it was wrong, and it was long enough ago
    return current
