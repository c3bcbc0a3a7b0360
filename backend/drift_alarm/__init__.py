"""The drift alarm of each variant: what it is compared with, how it stands, and who has seen it."""

from backend.drift_alarm.acknowledging import acknowledge
from backend.drift_alarm.change import Change, change_of, values_of
from backend.drift_alarm.choosing import (
    MOST_PROMISED,
    SMALLEST_PROMISE,
    Evaluated,
    change_promise,
    choose_evaluation,
    choose_window,
    evaluated,
)
from backend.drift_alarm.noticing import Noticing, noticing
from backend.drift_alarm.standing import Episode, Standing, at, episodes, standings
from backend.drift_alarm.words import alarm_sentence, feature_words

__all__ = [
    "MOST_PROMISED",
    "SMALLEST_PROMISE",
    "Change",
    "Episode",
    "Evaluated",
    "Noticing",
    "Standing",
    "acknowledge",
    "alarm_sentence",
    "at",
    "change_of",
    "change_promise",
    "choose_evaluation",
    "choose_window",
    "episodes",
    "evaluated",
    "feature_words",
    "noticing",
    "standings",
    "values_of",
]
