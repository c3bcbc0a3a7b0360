"""The drift alarm as a figure: on from when it was raised until somebody has seen it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from backend import alerts, drift_alarm, monitoring
from backend.alerts import FIGURES, Comparison, Question, Rule, Windows
from backend.alerts.rules import checked
from backend.aws.environment import Environment
from backend.errors import InvalidRule
from backend.monitoring import Selection
from tests.backend.drift_alarm.alarming import darker
from tests.backend.monitoring.watching import BEGIN, lines

LABELS = ("bicycle", "motorcycle", "other")
MINUTE = timedelta(minutes=1)
WINDOWS = Windows(BEGIN, MINUTE, 8)
DARKER = Rule("Darker", "drift", Comparison.GREATER, 0.5, label="brightness")


def put(project: Environment, name: str, content: Iterable[bytes]) -> None:
    key = f"data_capture/scones/AllTraffic/{BEGIN:%Y/%m/%d/%H}/{name}.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(content))
    monitoring.refresh_captures(project, entirely=True)


def values(project: Environment, label: str) -> list[float | None]:
    """The figure at the end of each minute."""
    question = Question(project, monitoring.project_source(project), None, label, None, LABELS, None)
    return [reading.value if reading else None for reading in FIGURES["drift"].read(question, WINDOWS)]


def test_it_is_on_from_when_it_was_raised_until_it_was_acknowledged(project: Environment) -> None:
    source, stream = monitoring.project_source(project), ("scones", "AllTraffic")
    put(project, "a", lines(300))
    assert values(project, "brightness") == [None] * 8, "there is no baseline"
    baseline = Selection(BEGIN, BEGIN + timedelta(seconds=200), *stream)
    drift_alarm.choose_window(project, source, baseline, 10_000, LABELS)
    put(project, "b", darker(100))
    standing = drift_alarm.standings(project, source)[stream]
    assert standing.alarm is not None
    raised = (drift_alarm.at(standing.alarm.time) - BEGIN) // MINUTE
    assert raised in (5, 6), "it became darker after five minutes"
    expected = [None] * 3 + [0.0] * (raised - 3) + [1.0] * (8 - raised)
    assert values(project, "brightness") == values(project, "any feature") == expected
    assert 1.0 not in values(project, "sharpness")
    drift_alarm.acknowledge(project, source, standing, "Ada")
    assert values(project, "brightness") == expected, "it was on until then"
    now = Windows.until(datetime.now(UTC) + 2 * MINUTE, MINUTE, 1)
    question = Question(project, source, None, "brightness", None, LABELS, None)
    assert [reading.value if reading else None for reading in FIGURES["drift"].read(question, now)] == [0.0]


def test_a_rule_on_drift_is_told_as_on_and_of_a_feature_that_there_is() -> None:
    assert alerts.condition(DARKER) == "Drift of brightness on in 1 of 1 period of 5 min"
    with pytest.raises(InvalidRule, match=r"smell is no feature\. Choose any feature, confidence"):
        checked(msgspec.structs.replace(DARKER, label="smell"))
