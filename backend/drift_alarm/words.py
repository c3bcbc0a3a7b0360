"""What drifts, in words."""

from __future__ import annotations

from collections.abc import Sequence

from backend.drift import Feature
from backend.drift_alarm.standing import Standing, at


def feature_words(feature: Feature, class_index: int | None, labels: Sequence[str]) -> str:
    """A feature for people: "contrast", or "share of bicycle"; a class without a name by its number."""
    if feature is not Feature.CLASS or class_index is None:
        return feature.value
    return f"share of {labels[class_index] if class_index < len(labels) else f'class {class_index}'}"


def alarm_sentence(standing: Standing, labels: Sequence[str]) -> str | None:
    """What the alarm, or else the lamp, tells; None where neither does."""
    if (alarm := standing.alarm) is not None:
        what = feature_words(alarm.feature, alarm.class_index, labels)
        since = f"{at(alarm.since_time):%Y-%m-%d %H:%M} UTC"
        return f"The {what} is not as it was, since about {since}."
    if (column := standing.differing) is not None and standing.difference is not None:
        what = feature_words(column.feature, column.class_index, labels)
        way = "higher" if standing.difference.is_higher else "lower"
        return f"The {what} is {way} than in the baseline."
    return None
