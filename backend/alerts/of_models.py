"""Figures that know the model: whether its images have drifted, and how often it is right by its own confidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from backend import drift_alarm, quality
from backend.accuracy import Withheld
from backend.accuracy.estimated import FEWEST
from backend.alerts.counting import of_records
from backend.alerts.figures import Figure, Question, Reading, Takes, Unit, Windows
from backend.drift import Feature
from backend.drift_alarm import Episode
from backend.monitoring import Selection

ANY: Final = "any feature"
_FEW: Final = 24
"""Windows of a preview: each asks anew which model answered in it."""


def drift(question: Question, windows: Windows) -> Sequence[Reading | None]:
    """1 where the alarm was on at the window's end, for the rule's feature or for any; nothing without a baseline.

    It is on from when it was raised until it was acknowledged.
    """
    standings = drift_alarm.standings(question.environment, question.source)
    counted = [
        standing
        for (_, variant), standing in standings.items()
        if question.variant in (None, variant) and not standing.is_counting
    ]
    if not counted:
        return [None] * windows.count
    episodes = [
        episode
        for standing in counted
        for episode in drift_alarm.episodes(standing)
        if question.label in (ANY, episode.feature.value)
    ]
    since = min(standing.watched.since for standing in counted)
    ends = [windows.end_of(number) for number in range(windows.count)]
    return [Reading(float(any(_is_on(one, end) for one in episodes)), None) if end > since else None for end in ends]


def estimated_accuracy(question: Question, windows: Windows) -> Sequence[Reading | None]:
    """What the model's confidence promises, as the Accuracy page has it; nothing where that is withheld."""
    numbers = of_records(question, windows, "NULL").number.tolist()
    return [_estimated(question, windows, at) if number >= FEWEST else None for at, number in enumerate(numbers)]


def _estimated(question: Question, windows: Windows, number: int) -> Reading | None:
    end = windows.end_of(number)
    selection = Selection(end - windows.period, end, variant=question.variant)
    environment, source = question.environment, question.source
    window = quality.read_window(environment, source, selection, question.labels, None)
    if window is None:  # of too many records
        return None
    found = quality.estimated(environment, source, window)
    return None if isinstance(found, Withheld) else Reading(found.value, len(window))


def _is_on(episode: Episode, end: datetime) -> bool:
    return episode.raised_at < end and (episode.until is None or episode.until >= end)


OF_MODELS: Final = (
    Figure(
        "drift",
        "Drift",
        Unit.YES_OR_NO,
        drift,
        Takes.FEATURE,
        is_bad_when_low=False,
        features=(ANY, *(feature.value for feature in Feature)),
    ),
    Figure(
        "estimated_accuracy",
        "Estimated accuracy",
        Unit.SHARE,
        estimated_accuracy,
        feature="predicted_class",
        first=0.8,
        most_windows=_FEW,
    ),
)
