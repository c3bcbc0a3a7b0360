"""A baseline is chosen and kept in S3, a change is told with what is before and after it, and somebody has seen it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from backend import drift_alarm, monitoring
from backend.aws.environment import Environment
from backend.deployment import Configuration, Origin, Variant
from backend.drift import Feature
from backend.drift_alarm.baselines import usual_of_evaluation
from backend.drift_alarm.choosing import served_since
from backend.errors import BaselineTooSmall, DriftDamaged, DriftNotWatched
from backend.evaluation import Evaluation
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.drifting import evidence_over_time, most_unusual
from backend.monitoring.watched import read_watched, watched_key
from tests.backend.drift_alarm.alarming import CHANGED, LABELS, STREAM, Capture, evaluation, first
from tests.backend.monitoring.watching import BEGIN, lines
from tests.projects import of_project


def standing(project: Environment, source: CaptureSource) -> drift_alarm.Standing:
    return drift_alarm.standings(project, source)[STREAM]


def test_a_change_after_a_window_raises_the_alarm_on_its_feature(alarmed: drift_alarm.Standing) -> None:
    assert alarmed.alarm is not None
    assert alarmed.alarm.feature is Feature.BRIGHTNESS
    assert abs(drift_alarm.at(alarmed.alarm.since_time) - CHANGED) < timedelta(seconds=15)
    assert CHANGED < drift_alarm.at(alarmed.alarm.time) < CHANGED + timedelta(seconds=60)
    assert alarmed.records == 200
    sentence = drift_alarm.alarm_sentence(alarmed, LABELS)
    assert sentence is not None
    assert sentence.startswith("The brightness is not as it was, since about 2026-01-02 00:0")


def test_what_is_before_and_after_is_told_apart(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing
) -> None:
    change = drift_alarm.change_of(project, source, alarmed)
    assert change is not None
    assert change.before is not None
    assert change.before.brightness.mean() == pytest.approx(0.5, abs=0.02)
    assert change.after.brightness.mean() == pytest.approx(0.25, abs=0.03)
    assert change.pictures_before is not None
    assert change.pictures_before.end == change.pictures_after.start == change.at
    [column] = [column for column in alarmed.columns if column.feature is Feature.BRIGHTNESS]
    darkest = most_unusual(project, source, change.pictures_after, column, 2, 3, high=False)
    whole = monitoring.records(project, source, change.pictures_after, 1_000)
    assert whole is not None
    measured = {
        row["record_id"]: row["brightness"] for row in monitoring.located(project, source, whole["record_id"].tolist())
    }
    assert [measured[record_id] for record_id in darkest["record_id"]] == sorted(measured.values())[:3]


def test_the_evidence_is_highest_where_the_alarm_is_raised(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing
) -> None:
    found = evidence_over_time(project, source, Selection(BEGIN, BEGIN + timedelta(days=1), *STREAM), 500)
    assert alarmed.alarm is not None
    assert found["evidence"].max() >= 10_000
    assert found["time"].iloc[found["evidence"].argmax()] == drift_alarm.at(alarmed.alarm.time)
    assert len(evidence_over_time(project, source, Selection(BEGIN, BEGIN + timedelta(days=1), *STREAM), 3)) <= 3


def test_an_alarm_is_acknowledged_once_with_who_and_when(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing
) -> None:
    before = datetime.now(UTC)
    drift_alarm.acknowledge(project, source, alarmed, " Ada ")
    drift_alarm.acknowledge(project, source, alarmed, "Grace")  # whose page showed it still
    after = standing(project, source)
    assert after.alarm is None
    [episode] = drift_alarm.episodes(after)
    assert (episode.who, episode.feature) == ("Ada", Feature.BRIGHTNESS)
    assert episode.until is not None
    assert before <= episode.until <= datetime.now(UTC)
    with pytest.raises(DriftNotWatched, match="No alarm"):
        drift_alarm.acknowledge(project, source, after, "Ada")


def test_an_acknowledgement_needs_a_name_and_the_alarm_that_was_looked_at(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing
) -> None:
    with pytest.raises(DriftNotWatched, match="your name"):
        drift_alarm.acknowledge(project, source, alarmed, "  ")
    drift_alarm.change_promise(project, source, STREAM, 20_000)
    with pytest.raises(DriftNotWatched, match="changed meanwhile"):
        drift_alarm.acknowledge(project, source, alarmed, "Ada")


def test_another_promise_starts_anew_and_keeps_what_was_acknowledged(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing
) -> None:
    drift_alarm.acknowledge(project, source, alarmed, "Ada")
    drift_alarm.change_promise(project, source, STREAM, 500)
    after = standing(project, source)
    assert (after.watched.promise, after.records, after.alarm) == (500, 200, None)
    assert [episode.who for episode in drift_alarm.episodes(after)] == ["Ada"]


@pytest.mark.parametrize("promise", [99, 10_000_001])
def test_a_promise_has_bounds(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing, promise: int
) -> None:
    with pytest.raises(DriftNotWatched, match="Choose 100 to 10,000,000"):
        drift_alarm.change_promise(project, source, STREAM, promise)
    assert standing(project, source).watched == alarmed.watched


def test_a_cache_elsewhere_comes_to_the_same_alarm(
    project: Environment, source: CaptureSource, alarmed: drift_alarm.Standing, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = of_project(project, project.project, tmp_path_factory.mktemp("elsewhere"))
    assert standing(elsewhere, source).is_counting
    monitoring.refresh_captures(elsewhere)
    assert standing(elsewhere, source).alarm == alarmed.alarm


def test_a_small_window_says_how_many_records_are_missing(
    project: Environment, source: CaptureSource, capture: Capture
) -> None:
    capture("a", lines(60))
    with pytest.raises(BaselineTooSmall, match=r"There are 30 records .* needs 50 or more: 20 are missing"):
        drift_alarm.choose_window(project, source, first(30), 10_000, LABELS)
    assert read_watched(project, source) == []


def test_a_promise_needs_a_baseline(project: Environment, source: CaptureSource) -> None:
    with pytest.raises(DriftNotWatched, match="has no baseline"):
        drift_alarm.change_promise(project, source, STREAM, 500)


def test_what_is_damaged_is_said_and_stays(project: Environment, source: CaptureSource, capture: Capture) -> None:
    project.s3.put_object(Bucket=project.bucket, Key=watched_key(source), Body=b'{"streams": [{}]}')
    with pytest.raises(DriftDamaged, match="choose baselines again"):
        drift_alarm.standings(project, source)
    capture("a", lines(3))  # is read all the same
    found = monitoring.capture_contents(project, source)
    assert found is not None
    assert found.records == 3


def test_the_lamp_tells_a_difference_from_the_first_record_from_one_that_may_have_come(
    alarmed: drift_alarm.Standing,
) -> None:
    assert alarmed.difference is not None
    assert not alarmed.is_from_the_first
    assert replace(alarmed, alarm=None).is_from_the_first
    assert not replace(alarmed, alarm=None, difference=None).is_from_the_first
    told = drift_alarm.alarm_sentence(replace(alarmed, alarm=None), LABELS)
    assert told in {"The sharpness is lower than in the baseline.", "The brightness is lower than in the baseline."}


# The evaluation as the baseline


def test_an_evaluations_pictures_are_measured_as_captured_ones(project: Environment) -> None:
    found = evaluation(project, 60)
    usual = usual_of_evaluation(project, found)
    assert usual.baseline.records == sum(usual.by_class) == 60
    assert usual.quantiles[Feature.BRIGHTNESS] == pytest.approx([number / 255 for number in range(60)], abs=1e-6)
    assert usual.quantiles[Feature.CONFIDENCE] == pytest.approx(np.sort(found.known.confidence), rel=1e-5)
    assert usual.by_class == np.bincount(found.known.predicted, minlength=3).tolist()


def test_a_small_evaluation_says_how_many_images_are_needed(project: Environment) -> None:
    with pytest.raises(BaselineTooSmall, match="has 49 test images of known classes, and a baseline needs 50"):
        usual_of_evaluation(project, evaluation(project, 49))


def test_more_foreign_images_are_noticed_sooner(project: Environment, alarmed: drift_alarm.Standing) -> None:
    found = drift_alarm.noticing(evaluation(project, 60), alarmed)
    assert found is not None
    assert (found.score, found.images) == (Feature.OTHER, 60)
    assert 0.9 < found.auroc <= 1
    numbers = [np.inf if records is None else records for records in found.records.values()]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] < 60  # all of them foreign


def test_without_foreign_images_nothing_is_said_of_them(project: Environment, alarmed: drift_alarm.Standing) -> None:
    found = evaluation(project, 60)
    alone = Evaluation(found.job, found.dataset_id, found.labels, True, BEGIN, found.images[:60])
    assert drift_alarm.noticing(alone, alarmed) is None


# Since when a variant has served its model


def configuration(minute: int, **models: str) -> Configuration:
    variants = [Variant(name, False, model, Origin(), None, None, None, 1) for name, model in models.items()]
    return Configuration(f"c-{minute}", BEGIN + timedelta(minutes=minute), tuple(variants))


@pytest.mark.parametrize(
    ("configurations", "minute"),
    [
        ([], None),
        ([configuration(5, champion="new")], 5),
        ([configuration(9, champion="new", challenger="old"), configuration(5, champion="new")], 5),
        ([configuration(9, champion="new"), configuration(5, champion="old"), configuration(1, champion="new")], None),
        ([configuration(12, champion="new"), configuration(9, champion="new"), configuration(5, champion="old")], 12),
        ([configuration(9, champion="old"), configuration(5, champion="new")], None),
        ([configuration(9, champion="new"), configuration(5, challenger="new")], 9),
    ],
)
def test_a_variant_has_served_its_model_since_no_other_can_have_answered(
    configurations: list[Configuration], minute: int | None
) -> None:
    since = BEGIN + timedelta(minutes=minute) if minute is not None else None
    assert served_since(configurations, "champion", "new") == since
