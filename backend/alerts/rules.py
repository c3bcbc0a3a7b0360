"""Rules: which figure of which records is watched, when it is wrong, and what a window without one means.

The words are CloudWatch's. Source: CloudWatch API reference, PutMetricAlarm.
"""

from __future__ import annotations

import math
import operator
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from backend.alerts.figures import FIGURES, Figure, Takes, Unit
from backend.errors import InvalidRule

PERIODS: Final = (60, 300, 900, 3600, 21_600, 86_400)
"""Seconds that a window may take."""
MOST_PERIODS: Final = 30
_LONGEST_NAME: Final = 80
_LONGEST_LABEL: Final = 200
_MOST_RECORDS: Final = 1_000_000


class Comparison(StrEnum):
    """How a value that is wrong compares with the threshold."""

    GREATER = "GreaterThanThreshold"
    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"

    @property
    def words(self) -> str:
        return {
            "GreaterThanThreshold": "above",
            "GreaterThanOrEqualToThreshold": "at or above",
            "LessThanThreshold": "below",
            "LessThanOrEqualToThreshold": "at or below",
        }[self.value]

    def holds(self, value: float, threshold: float) -> bool:
        compare = {
            "GreaterThanThreshold": operator.gt,
            "GreaterThanOrEqualToThreshold": operator.ge,
            "LessThanThreshold": operator.lt,
            "LessThanOrEqualToThreshold": operator.le,
        }[self.value]
        return bool(compare(value, threshold))


class MissingData(StrEnum):
    """What a window means of which nothing can be said."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In ALARM where `datapoints_to_alarm` of the last `evaluation_periods` windows are wrong.

    `source` is the URL of a source of captured records, None for the project's own; `variant` None for all. `label`
    and `level` are what the figure takes beside. A window with fewer than `least_records` counts as missing.
    `rule_id` and `revision` are given when it is kept: another revision is watched anew.
    """

    name: str
    figure: str
    comparison: Comparison
    threshold: float
    period_seconds: int = 300
    datapoints_to_alarm: int = 1
    evaluation_periods: int = 1
    missing: MissingData = MissingData.MISSING
    source: str | None = None
    variant: str | None = None
    label: str | None = None
    level: float | None = None
    least_records: int = 1
    is_paused: bool = False
    rule_id: str = ""
    revision: int = 0

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.period_seconds)

    @property
    def watched(self) -> Figure:
        """The figure; raises InvalidRule where this version of the project has none of that name."""
        if self.figure not in FIGURES:
            raise InvalidRule(f"Rule {self.name} watches {self.figure}, which is no figure. Change or delete the rule.")
        return FIGURES[self.figure]


def checked(rule: Rule) -> Rule:
    """The rule as it stands; raises InvalidRule, which says what is wrong with it."""
    figure = rule.watched
    if not rule.name.strip() or len(rule.name) > _LONGEST_NAME or not rule.name.isprintable():
        raise InvalidRule(f"A rule's name has 1 to {_LONGEST_NAME} printable characters. Give it another.")
    _check_threshold(rule, figure)
    if rule.period_seconds not in PERIODS:
        raise InvalidRule(f"A period of {rule.period_seconds} seconds is not possible. Choose one of {PERIODS}.")
    if not 1 <= rule.evaluation_periods <= MOST_PERIODS:
        raise InvalidRule(
            f"{rule.evaluation_periods} periods cannot be looked at. Choose from 1 to {MOST_PERIODS} of them."
        )
    if not 1 <= rule.datapoints_to_alarm <= rule.evaluation_periods:
        raise InvalidRule(
            f"{rule.datapoints_to_alarm} of {rule.evaluation_periods} periods cannot be wrong. "
            f"Choose from 1 to {rule.evaluation_periods}."
        )
    if not 1 <= rule.least_records <= _MOST_RECORDS:
        raise InvalidRule(f"The fewest records of a period are from 1 to {_MOST_RECORDS:,}. Choose such a number.")
    _check_parameters(rule, figure)
    return rule


def _check_threshold(rule: Rule, figure: Figure) -> None:
    if not math.isfinite(rule.threshold):
        raise InvalidRule(f"{rule.threshold} is no threshold. Give a number.")
    if figure.unit in (Unit.SHARE, Unit.CONFIDENCE, Unit.YES_OR_NO) and not 0 <= rule.threshold <= 1:
        raise InvalidRule(f"{figure.title} is from 0 to 1, and so is its threshold: {rule.threshold:g} is not.")
    if rule.threshold < 0:
        raise InvalidRule(f"{figure.title} is never below 0, and neither is its threshold: {rule.threshold:g} is.")


def _check_parameters(rule: Rule, figure: Figure) -> None:
    wants_label = figure.takes in (Takes.CLASS, Takes.FEATURE)
    if wants_label and not (rule.label and len(rule.label) <= _LONGEST_LABEL and rule.label.isprintable()):
        raise InvalidRule(f"{figure.title} is that of one {figure.takes.value}. Say of which.")
    if figure.features and rule.label not in figure.features:
        raise InvalidRule(f"{rule.label} is no feature. Choose {', '.join(figure.features)}.")
    if not wants_label and rule.label is not None:
        raise InvalidRule(f"{figure.title} is not that of one class or feature, but of all. Leave {rule.label} out.")
    if figure.takes is Takes.QUANTILE and rule.level is None:
        raise InvalidRule(f"{figure.title} needs to know which quantile. Give one from 0 to 1.")
    if figure.takes is Takes.THRESHOLD and rule.level is None and rule.source is not None:
        raise InvalidRule(f"{figure.title} of a source without a workflow needs a threshold to pass. Give one.")
    if rule.level is not None and figure.takes not in (Takes.QUANTILE, Takes.THRESHOLD):
        raise InvalidRule(f"{figure.title} takes no level. Leave {rule.level:g} out.")
    if rule.level is not None and not 0 <= rule.level <= 1:
        raise InvalidRule(f"{rule.level:g} is no {figure.takes.value}. Give one from 0 to 1.")
