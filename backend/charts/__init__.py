"""Figures from values and data frames, by feature: pure functions."""

from backend.charts.monitoring import confidence_histogram, confidence_over_time
from backend.charts.training import accuracy_by_epoch
from backend.charts.workflow import probabilities_bar

__all__ = ["accuracy_by_epoch", "confidence_histogram", "confidence_over_time", "probabilities_bar"]
