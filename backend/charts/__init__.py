"""Figures from values and data frames, by feature: pure functions."""

from backend.charts.accuracy import accuracy_differences, accuracy_intervals
from backend.charts.alerts import add_alarms, watched_figure
from backend.charts.drift import drift_bars, drift_distribution, drift_evidence, mark_changes
from backend.charts.evaluation import confusion_squares, cost_curve, coverage_curve, reliability_diagram
from backend.charts.load import sent_over_time
from backend.charts.monitoring import (
    as_html,
    class_mix,
    confidence_bands,
    confidence_histogram,
    confidence_points,
    pass_rate,
    traffic,
)
from backend.charts.style import class_label
from backend.charts.training import accuracy_by_epoch, compare_accuracies
from backend.charts.workflow import probabilities_bar

__all__ = [
    "accuracy_by_epoch",
    "accuracy_differences",
    "accuracy_intervals",
    "add_alarms",
    "as_html",
    "class_label",
    "class_mix",
    "compare_accuracies",
    "confidence_bands",
    "confidence_histogram",
    "confidence_points",
    "confusion_squares",
    "cost_curve",
    "coverage_curve",
    "drift_bars",
    "drift_distribution",
    "drift_evidence",
    "mark_changes",
    "pass_rate",
    "probabilities_bar",
    "reliability_diagram",
    "sent_over_time",
    "traffic",
    "watched_figure",
]
