"""Figures of the captured records themselves, exact: what passes, how many come, which classes, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from backend.alerts.counting import Counts, last_before, of_files, of_records
from backend.alerts.figures import EPOCH, Figure, Question, Reading, Takes, Unit, Windows
from backend.staging.labels import OTHER

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_MICROSECOND: Final = timedelta(microseconds=1)
Readings = Sequence[Reading | None]


def pass_rate(question: Question, windows: Windows) -> Readings:
    """The share at or above the threshold and not `other`; at the rule's own threshold, else at the deployed one."""
    threshold = question.level if question.level is not None else question.threshold
    if threshold is None:
        return [None] * windows.count
    passing = "avg(CASE WHEN confidence >= ? AND class_index <> ? THEN 1.0 ELSE 0.0 END)"
    return _read(of_records(question, windows, passing, threshold, _index(question, OTHER)))


def share_of_other(question: Question, windows: Windows) -> Readings:
    """The share answered `other`; nothing where no class is called so."""
    return _share_of(question, windows, OTHER)


def share_of_class(question: Question, windows: Windows) -> Readings:
    """The share answered with the rule's class; nothing where the source has no such class."""
    return _share_of(question, windows, question.label or "")


def traffic(question: Question, windows: Windows) -> Readings:
    """Records per hour: 0 where there are none."""
    records = of_records(question, windows, "NULL").number
    return [Reading(int(number) / (windows.period / _HOUR), None) for number in records]


def silence(question: Question, windows: Windows) -> Readings:
    """Minutes from the last record until the window's end; nothing before the first record of all."""
    last = last_before(question, windows)
    readings: list[Reading | None] = []
    for number, newest in enumerate(of_records(question, windows, "epoch_us(max(time))").value):
        last = last if np.isnan(newest) else int(newest)
        end = (windows.end_of(number) - EPOCH) // _MICROSECOND
        readings.append(None if last is None else Reading((end - last) / (_MINUTE // _MICROSECOND), None))
    return readings


def mean_confidence(question: Question, windows: Windows) -> Readings:
    return _read(of_records(question, windows, "avg(confidence)"))


def quantile_of_confidence(question: Question, windows: Windows) -> Readings:
    """The rule's quantile, interpolated between records."""
    return _read(of_records(question, windows, f"quantile_cont(confidence, {float(question.level or 0.0)!r})"))


def delivery_lag(question: Question, windows: Windows) -> Readings:
    """Seconds within which 95 % of the files that were delivered in the window came after their first inference."""
    return _read(of_files(question, windows, "count(*) FILTER (records > 0)", _LAG))


def quarantined_share(question: Question, windows: Windows) -> Readings:
    """Lines that could not be read, among them and the records of the files that were delivered in the window."""
    return _read(of_files(question, windows, "sum(records + broken)", "sum(broken) / sum(records + broken)"))


_LAG: Final = "quantile_cont(lag_seconds, 0.95) FILTER (records > 0)"


def _share_of(question: Question, windows: Windows, label: str) -> Readings:
    if label not in question.labels:
        return [None] * windows.count
    share = "avg(CASE WHEN class_index = ? THEN 1.0 ELSE 0.0 END)"
    return _read(of_records(question, windows, share, _index(question, label)))


def _index(question: Question, label: str) -> int:
    """The class of this name, -1 where there is none."""
    return question.labels.index(label) if label in question.labels else -1


def _read(counts: Counts) -> Readings:
    pairs = zip(counts.number.tolist(), counts.value.tolist(), strict=True)
    return [Reading(value, number) if number else None for number, value in pairs]


OF_RECORDS: Final = (
    Figure("pass_rate", "Pass rate", Unit.SHARE, pass_rate, Takes.THRESHOLD),
    Figure("traffic", "Traffic", Unit.PER_HOUR, traffic, feature="inference", check="completeness_check", first=1.0),
    Figure(
        "silence",
        "Silence",
        Unit.MINUTES,
        silence,
        feature="inference",
        check="completeness_check",
        is_bad_when_low=False,
        first=60.0,
    ),
    Figure(
        "delivery_lag",
        "Delivery lag",
        Unit.SECONDS,
        delivery_lag,
        feature="inference",
        check="completeness_check",
        is_bad_when_low=False,
        first=600.0,
    ),
    Figure(
        "quarantined_share",
        "Quarantined lines",
        Unit.SHARE,
        quarantined_share,
        feature="inference",
        check="data_type_check",
        is_bad_when_low=False,
        first=0.01,
    ),
    Figure(
        "share_of_other",
        "Answered other",
        Unit.SHARE,
        share_of_other,
        feature="predicted_class",
        check="categorical_values_check",
        is_bad_when_low=False,
        first=0.3,
    ),
    Figure("mean_confidence", "Mean confidence", Unit.CONFIDENCE, mean_confidence, first=0.7),
    Figure("quantile_of_confidence", "Quantile of confidence", Unit.CONFIDENCE, quantile_of_confidence, Takes.QUANTILE),
    Figure("share_of_class", "Share of a class", Unit.SHARE, share_of_class, Takes.CLASS, feature="predicted_class"),
)
