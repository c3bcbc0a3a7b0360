"""An accuracy is estimated where the model that answered was evaluated, and nothing else than its images came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from backend import monitoring, quality
from backend.accuracy import Calibration, Interval, Withheld
from backend.aws.environment import Environment
from backend.drift import Alarm, Difference, Feature, StoredBaseline
from backend.drift_alarm import Evaluated, Standing
from backend.evaluation.record import Answers, EvaluatedImage, Evaluation
from backend.monitoring.watched import Usual, Watched
from tests.backend.quality.windows import BEGIN, HOUR, LABELS, window

JOB = "scones-job"
NOTHING = cast(StoredBaseline, None)  # nothing is counted here
RECORDS = 100
SINCE = int((BEGIN + timedelta(minutes=30)).timestamp() * 1_000_000)
ALARM = Alarm(5, SINCE, 3, SINCE, Feature.CONTRAST, None, {Feature.CONTRAST: 1.0})


class Known:
    """What is known of the variants: the model of each and its evaluation, and how their alarms stand."""

    def __init__(self, project: Environment) -> None:
        self.project = project
        self.stream = (project.names.endpoint, "AllTraffic")
        self.served: dict[str, Evaluated | None] = {"AllTraffic": Evaluated(JOB, BEGIN, evaluation())}
        self.standings = {self.stream: Standing(watched(), (), records=RECORDS, is_counting=False)}

    def changed(self, **changes: Any) -> None:
        self.standings[self.stream] = replace(self.standings[self.stream], **changes)

    def window(self, **changes: Any) -> quality.Window:
        rng = np.random.default_rng(4)
        probabilities = rng.dirichlet([4, 1, 1], RECORDS)
        answered = probabilities.argmax(axis=1)
        given = {"probabilities": probabilities, "streams": (self.stream,)}
        return window(answered.tolist(), answered.tolist(), **(given | changes))

    def estimated(self, **changes: Any) -> Interval | Withheld:
        return quality.estimated(self.project, monitoring.project_source(self.project), self.window(**changes))

    def reason(self, **changes: Any) -> str:
        found = self.estimated(**changes)
        assert isinstance(found, Withheld)
        return found.reason


@pytest.fixture
def known(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Known:
    """A variant whose model was evaluated, and whose images are compared with the evaluation's without an alarm."""
    known = Known(environment)
    monkeypatch.setattr("backend.drift_alarm.evaluated", lambda _environment, variant: known.served.get(variant))
    monkeypatch.setattr("backend.drift_alarm.standings", lambda _environment, _source: known.standings)
    return known


def evaluation(images: int = 60) -> Evaluation:
    """Of these known images each third is answered wrong."""
    answered = tuple(
        EvaluatedImage(f"{number}.png", "test", number % 3 // 2, (0.7, 0.2, 0.1), f"key-{number}")
        for number in range(images)
    )
    return Evaluation(JOB, "dataset", LABELS, True, datetime(2026, 1, 1, tzinfo=UTC), answered)


def watched() -> Watched:
    """A variant that is compared with the evaluation since the hour began."""
    usual = Usual(NOTHING, {}, [], job=JOB)
    return Watched("scones", "AllTraffic", "1", 10_000, BEGIN, 2, usual, BEGIN)


def test_it_is_the_mean_confidence_at_the_temperature_of_the_evaluation(known: Known) -> None:
    found = known.estimated()
    assert isinstance(found, Interval)
    calibration = Calibration.of(Answers.of(evaluation().images))
    powers = known.window().probabilities ** (1 / calibration.temperature)  # type: ignore[operator]
    calibrated = (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)
    assert found.value == pytest.approx(float(calibrated.mean()))
    open_ = 1.959964 * calibration.spread * (1 / 60 + 1 / RECORDS) ** 0.5
    assert (found.value - found.low, found.high - found.value) == pytest.approx((open_, open_), rel=1e-5)


def test_it_is_withheld_where_the_model_is_not_known(known: Known) -> None:
    assert "Which model answered" in known.reason(streams=(("another", "AllTraffic"),))
    assert "Which model answered" in known.reason(streams=((known.stream[0], "gone"),))
    known.served["challenger"] = Evaluated("another-job", BEGIN, evaluation())
    assert "Choose a variant" in known.reason(streams=(known.stream, (known.stream[0], "challenger")))
    known.served["AllTraffic"] = Evaluated(JOB, BEGIN + timedelta(seconds=1), evaluation())
    assert "answers since 2026-01-02 03:00:01 UTC" in known.reason()


def test_it_is_withheld_where_the_evaluation_says_nothing_of_it(known: Known) -> None:
    assert "other classes" in known.reason(probabilities=None)
    for shown, said in (
        (None, "was not evaluated"),
        (replace(evaluation(), is_untouched=False), "have chosen the epoch"),
        (replace(evaluation(), images=()), "without an image of its known classes"),
        (evaluation(40), "has 40 images of known classes; an estimate needs 50"),
    ):
        known.served["AllTraffic"] = Evaluated(JOB, BEGIN, shown)
        assert said in known.reason()


def test_it_is_withheld_where_nothing_compares_the_images_with_the_evaluations(known: Known) -> None:
    of_window = Usual(NOTHING, {}, [], start=BEGIN, end=BEGIN)
    known.changed(watched=msgspec.structs.replace(watched(), usual=of_window))
    assert "choose it as the baseline" in known.reason()
    known.standings = {}
    assert "choose it as the baseline" in known.reason()


def test_it_is_withheld_before_the_images_are_compared(known: Known) -> None:
    later = msgspec.structs.replace(watched(), since=BEGIN + timedelta(minutes=1))
    known.changed(watched=later)
    assert "compared with the evaluation's from 2026-01-02 03:01:00 UTC on" in known.reason()
    known.changed(watched=watched())
    known.changed(is_counting=True)
    assert "has not counted" in known.reason()


def test_it_is_withheld_while_an_alarm_is_on_but_not_for_the_time_before_the_change(known: Known) -> None:
    known.changed(alarm=ALARM)
    assert "Drift: the contrast changed at about 2026-01-02 03:30:00 UTC." in known.reason()
    before = replace(HOUR, end=BEGIN + timedelta(minutes=30))
    assert isinstance(known.estimated(selection=before), Interval)
    known.changed(alarm=None, difference=Difference(0, True, 5, SINCE))
    assert "differ from the evaluation's since the first record" in known.reason(selection=before)
