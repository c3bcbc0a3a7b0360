"""Rules and their states as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.alerts.figures import Reading, Takes, Unit
from backend.alerts.rules import MissingData, Rule
from backend.alerts.states import State
from backend.wording import as_words, count_of

_PERIODS: Final = {60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 hour", 21_600: "6 hours", 86_400: "1 day"}


def in_words(seconds: int) -> str:
    """A period for people."""
    return _PERIODS.get(seconds, f"{seconds} s")


def subject(rule: Rule) -> str:
    """What is watched: "Share of bicycle", "Quantile 0.05 of confidence"."""
    figure = rule.watched
    match figure.takes:
        case Takes.CLASS:
            return f"Share of {as_words(rule.label or '')}"
        case Takes.FEATURE:
            return f"{figure.title} of {rule.label}"
        case Takes.QUANTILE:
            return f"Quantile {rule.level:g} of confidence"
        case Takes.THRESHOLD if rule.level is not None:
            return f"{figure.title} at {rule.level:g}"
        case _:
            return figure.title


def condition(rule: Rule) -> str:
    """When it is wrong: "Pass rate below 80 % in 2 of 3 periods of 5 min"."""
    often = f"{rule.datapoints_to_alarm} of {count_of(rule.evaluation_periods, 'period')} of"
    of_variant = f" of variant {rule.variant}" if rule.variant else ""
    return f"{subject(rule)}{of_variant} {_wrong(rule)} in {often} {in_words(rule.period_seconds)}"


def reason(rule: Rule, readings: Sequence[Reading | None], points: Sequence[bool | None], state: State) -> str:
    """Why the state is this after these windows, oldest first."""
    there = [
        (reading, point) for reading, point in zip(readings, points, strict=True) if reading and point is not None
    ][-rule.evaluation_periods :]
    missing = rule.evaluation_periods - len(there)
    if state is State.INSUFFICIENT_DATA or not there:
        treated = "" if rule.missing is MissingData.MISSING else f", which counts as {rule.missing.value}"
        return f"{subject(rule)}: nothing to go by in the last {_of_them(rule, len(points))}{treated}."
    values = ", ".join(rule.watched.say(reading.value) for reading, _ in there[-3:])
    wrong = sum(point for _, point in there)
    of_missing = f"; {count_of(missing, 'period')} without data" if missing else ""
    return (
        f"{subject(rule)} was {values} lately: {_wrong(rule)} in {wrong} of the last "
        f"{_of_them(rule, len(there))}{of_missing}."
    )


def _wrong(rule: Rule) -> str:
    """What a wrong value is: "below 80 %", or "on" of what is on or off."""
    if rule.watched.unit is Unit.YES_OR_NO:
        return rule.watched.say(float(rule.comparison.holds(1.0, rule.threshold)))
    return f"{rule.comparison.words} {rule.watched.say(rule.threshold)}"


def _of_them(rule: Rule, number: int) -> str:
    return f"{count_of(number, 'period')} of {in_words(rule.period_seconds)}"
