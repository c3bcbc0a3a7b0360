"""Alerts: rules on what endpoints captured, evaluated whether anybody looks or not; people are told of changes."""

from backend.alerts.asking import labels_of
from backend.alerts.baseline import Baseline, baseline_of_evaluation, baseline_of_records, write_baseline
from backend.alerts.evaluating import evaluate
from backend.alerts.figures import FIGURES, Figure, Question, Reading, Takes, Unit, Windows, register
from backend.alerts.history import Alarm, Episode, alarms_between, episodes_of
from backend.alerts.keeping import delete_rule, read_rules, save_rule
from backend.alerts.of_models import OF_MODELS
from backend.alerts.of_records import OF_RECORDS
from backend.alerts.of_truth import OF_TRUTH
from backend.alerts.previewing import Preview, preview
from backend.alerts.rules import MOST_PERIODS, PERIODS, Comparison, MissingData, Rule
from backend.alerts.standings import Change, Kept, Notice, Standing, read_standings
from backend.alerts.states import State
from backend.alerts.violations import MODEL_MONITOR_PREFIX
from backend.alerts.words import condition, in_words, subject

__all__ = [
    "FIGURES",
    "MODEL_MONITOR_PREFIX",
    "MOST_PERIODS",
    "PERIODS",
    "Alarm",
    "Baseline",
    "Change",
    "Comparison",
    "Episode",
    "Figure",
    "Kept",
    "MissingData",
    "Notice",
    "Preview",
    "Question",
    "Reading",
    "Rule",
    "Standing",
    "State",
    "Takes",
    "Unit",
    "Windows",
    "alarms_between",
    "baseline_of_evaluation",
    "baseline_of_records",
    "condition",
    "delete_rule",
    "episodes_of",
    "evaluate",
    "in_words",
    "labels_of",
    "preview",
    "read_rules",
    "read_standings",
    "register",
    "save_rule",
    "subject",
    "write_baseline",
]

for _figure in (*OF_RECORDS, *OF_MODELS, OF_TRUTH):
    register(_figure)
