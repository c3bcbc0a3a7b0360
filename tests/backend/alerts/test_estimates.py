"""Estimated accuracy as a figure is what the Accuracy page says of each window."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from backend import monitoring, quality
from backend.accuracy import Interval
from backend.alerts import FIGURES, Question, Windows
from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth
from backend.monitoring import Selection
from tests.backend.alerts.conftest import Record, capture
from tests.backend.quality.test_estimated import Known
from tests.backend.quality.windows import BEGIN, LABELS

HOUR = timedelta(hours=1)


def test_it_is_that_of_the_page_and_nothing_where_that_is_withheld(
    project: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second hour there are too few records, and in the third another variant answered too."""
    known = Known(project)
    known.stream = (project.names.endpoint, "AllTraffic")
    monkeypatch.setattr("backend.drift_alarm.evaluated", lambda _environment, variant: known.served.get(variant))
    monkeypatch.setattr("backend.drift_alarm.standings", lambda _environment, _source: known.standings)
    rng = np.random.default_rng(2)
    for hour, records in enumerate((80, 49, 80)):
        answers = rng.dirichlet([4, 1, 1], records).round(6).tolist()
        times = [BEGIN + hour * HOUR + timedelta(seconds=number) for number in range(records)]
        capture(project, [Record(time, answer) for time, answer in zip(times, answers, strict=True)], of_project=True)
    capture(project, [Record(BEGIN + 2 * HOUR, [0.9, 0.1, 0.0])], variant="stranger", of_project=True)
    source = monitoring.project_source(project)
    question = Question(project, source, None, None, None, LABELS, None)
    first, *others = FIGURES["estimated_accuracy"].read(question, Windows(BEGIN, HOUR, 4))
    assert others == [None] * 3
    window = quality.read_window(project, source, Selection(BEGIN, BEGIN + HOUR), LABELS, GroundTruth())
    assert window is not None
    page = quality.estimated(project, source, window)
    assert isinstance(page, Interval)
    assert first is not None
    assert (first.value, first.records) == (page.value, 80)
