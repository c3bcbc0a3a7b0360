"""The alarm keeps its promise, names what drifted and since when, and stays on until it is acknowledged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from backend.drift import Baseline, Detector, Feature, Records, pack, unpack
from tests.backend.drift.made_up import CLASSES, detector, records

BEFORE = 600


def alarmed_after(otherwise: dict[str, Any], seed: int = 0, count: int = 1_500) -> Detector:
    rng = np.random.default_rng(seed)
    found = detector(rng)
    found.feed(records(BEFORE, rng))
    assert found.alarm is None
    drifted = records(count, rng)
    found.feed(replace(drifted, **{name: change(drifted) for name, change in otherwise.items()}))
    return found


@pytest.mark.parametrize(
    ("feature", "otherwise"),
    [
        (Feature.BRIGHTNESS, {"brightness": lambda made: made.brightness * 0.6}),
        (Feature.CONTRAST, {"contrast": lambda made: made.contrast * 0.5}),
        (Feature.SHARPNESS, {"sharpness": lambda made: made.sharpness * 0.4}),
        (Feature.CONFIDENCE, {"confidence": lambda made: made.confidence**0.5}),
        (Feature.CLASS, {"class_index": lambda made: np.where(np.arange(len(made)) % 3 > 0, 1, made.class_index)}),
        (Feature.OTHER, {"other": lambda made: np.where(np.arange(len(made)) % 8 == 0, 0.9, made.other)}),
    ],
)
def test_a_drift_raises_the_alarm_naming_its_feature_and_about_since_when(feature: Feature, otherwise: Any) -> None:
    alarm = alarmed_after(otherwise).alarm
    assert alarm is not None
    assert alarm.feature is feature
    assert BEFORE < alarm.record < BEFORE + 300
    assert abs(alarm.since_record - BEFORE) < 150
    assert alarm.since_time == (1_000 + alarm.since_record - BEFORE) * 1_000_000 or alarm.since_record < BEFORE
    assert sum(alarm.shares.values()) == pytest.approx(1)
    assert alarm.shares[feature] == max(alarm.shares.values())


def test_the_class_whose_share_changed_is_named() -> None:
    always_one = {"class_index": lambda made: np.where(np.arange(len(made)) % 3 > 0, 1, made.class_index)}
    alarm = alarmed_after(always_one).alarm
    assert alarm is not None
    assert alarm.class_index in (0, 1)  # the one that gained, or the one that lost


def test_some_foreign_images_are_noticed_by_the_tail_of_the_probability_of_other() -> None:
    alarm = alarmed_after({"other": lambda made: np.where(np.arange(len(made)) % 10 == 0, 0.99, made.other)}).alarm
    assert alarm is not None
    assert alarm.feature is Feature.OTHER


def simulated(promise: int, streams: int) -> float:
    """The mean number of records to the alarm, each stream cut at 20 times the promise."""
    lengths = []
    for seed in range(streams):
        rng = np.random.default_rng(seed)
        found = detector(rng, promise, size=60)
        for _ in range(20 * promise // 100):
            found.feed(records(100, rng))
            if found.alarm is not None:
                break
        lengths.append(found.alarm.record + 1 if found.alarm is not None else 20 * promise)
    return float(np.mean(lengths))


def test_without_a_change_the_mean_number_of_records_to_an_alarm_is_at_least_the_promise() -> None:
    assert simulated(promise=100, streams=80) >= 100


@pytest.mark.slow
def test_the_promise_holds_over_many_streams() -> None:
    assert simulated(promise=1_000, streams=400) >= 1_000


def test_an_alarm_stays_on_as_it_was_raised_until_it_is_acknowledged() -> None:
    found = alarmed_after({"brightness": lambda made: made.brightness * 0.3})
    raised = found.alarm
    rng = np.random.default_rng(9)
    found.feed(records(500, rng))
    assert found.alarm == raised
    found.acknowledge()
    assert found.alarm is None
    assert found.evidence == 0


def test_after_an_acknowledgement_a_drift_that_ended_is_forgotten_and_one_that_goes_on_is_told_again() -> None:
    ended, goes_on = (alarmed_after({"brightness": lambda made: made.brightness * 0.3}, count=5_000) for _ in range(2))
    ended.acknowledge()
    goes_on.acknowledge()
    made = records(1_000, np.random.default_rng(9))
    ended.feed(made)
    assert ended.alarm is None
    goes_on.feed(replace(made, brightness=made.brightness * 0.3))
    assert goes_on.alarm is not None
    assert goes_on.alarm.feature is Feature.BRIGHTNESS
    assert BEFORE + 5_000 < goes_on.alarm.record < BEFORE + 5_050


def test_a_burst_of_one_odd_picture_raises_no_alarm_and_many_odd_ones_do() -> None:
    rng = np.random.default_rng(0)
    usual, odd = records(BEFORE, rng), records(300, rng, brightness=np.full(300, 0.01), sharpness=np.zeros(300))
    burst, many = detector(rng), detector(rng)
    burst.feed(usual)
    burst.feed(replace(odd, content=np.full(300, 77, np.uint64)))
    assert burst.alarm is None
    assert burst.state.repeated == 299
    many.feed(usual)
    many.feed(odd)
    assert many.alarm is not None


@pytest.mark.parametrize("drift", [1.0, 0.3])
def test_records_in_any_pieces_leave_the_detector_the_same(drift: float) -> None:
    rng = np.random.default_rng(1)
    at_once, in_pieces = (detector(np.random.default_rng(1)) for _ in range(2))
    made = records(700, rng, content=rng.integers(1, 90, 700).astype(np.uint64))
    made = replace(made, brightness=np.where(np.arange(700) < 350, made.brightness, made.brightness * drift))
    at_once.feed(made)
    for start in (*range(50), *range(50, 700, 130)):
        in_pieces.feed(made.take(slice(start, start + 1 if start < 50 else start + 130)))
    assert (at_once.alarm is not None) == (drift < 1)
    assert in_pieces.evidence == pytest.approx(at_once.evidence)
    assert in_pieces.state.winnings.since.tolist() == at_once.state.winnings.since.tolist()
    assert in_pieces.state.lamp == pytest.approx(at_once.state.lamp)
    assert in_pieces.state.records == at_once.state.records == 700 - at_once.state.repeated
    assert (in_pieces.state.below == at_once.state.below).all()


@pytest.mark.parametrize("drift", [1.0, 0.3])
def test_a_detector_that_was_stored_goes_on_as_if_it_had_not_been(drift: float) -> None:
    rng = np.random.default_rng(1)
    kept = detector(rng)
    first, then = records(900, rng), records(900, rng)
    kept.feed(replace(first, brightness=first.brightness * drift))
    stored = unpack(pack(kept))
    for each in (kept, stored):
        each.feed(then)
    assert pack(stored) == pack(kept)
    assert (kept.alarm is None) == (drift == 1)
    assert len(pack(kept)) < 60_000


@pytest.mark.parametrize("content", [b"", b"{}", b'{"promise": "many"}'])
def test_what_is_no_stored_detector_is_refused(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack(content)


def test_records_without_pictures_are_followed_by_what_was_answered() -> None:
    rng = np.random.default_rng(1)
    nothing = np.full(900, np.nan)
    found = detector(rng)
    unseen = records(900, rng, brightness=nothing, contrast=nothing, sharpness=nothing)
    found.feed(unseen)
    assert not found.state.alarm
    found.feed(replace(unseen, confidence=unseen.confidence**0.5))
    alarm = found.alarm
    assert alarm is not None
    assert alarm.feature is Feature.CONFIDENCE


def test_no_records_change_nothing() -> None:
    found = detector(np.random.default_rng(0))
    before = pack(found)
    found.feed(records(0, np.random.default_rng(1)))
    assert pack(found) == before


def fed(baseline: Records, stream: Records) -> Detector:
    found = Detector(Baseline.of(baseline, CLASSES))
    found.feed(stream)
    return found


def test_a_difference_since_the_first_record_lights_the_lamp_though_the_alarm_takes_it_for_usual() -> None:
    rng = np.random.default_rng(0)
    stream = records(3_000, rng)
    found = fed(records(400, rng), replace(stream, brightness=stream.brightness * 0.7))
    assert found.difference is not None
    column = found.baseline.columns[found.difference.column]
    assert (column.feature, found.difference.is_higher) == (Feature.BRIGHTNESS, False)
    assert found.difference.record < 400


def test_the_lamp_is_lit_for_few_baselines_without_a_difference() -> None:
    lit = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        lit += fed(records(60, rng), records(2_000, rng)).difference is not None
    assert lit <= 6  # more of 60 at 5 % each has a probability of 2 %


def test_the_evidence_after_each_record_is_given_until_the_alarm_is_raised() -> None:
    rng = np.random.default_rng(3)
    found = detector(rng)
    usual = records(250, rng)
    told = found.feed(usual)
    assert told.time.tolist() == usual.time.tolist()
    assert told.won[-1] == pytest.approx(found.evidence)
    one_by_one = detector(np.random.default_rng(3))
    for place in range(250):
        one_by_one.feed(usual.take(slice(place, place + 1)))
        assert told.won[place] == pytest.approx(one_by_one.evidence)
    darker = records(300, rng)
    raised = found.feed(replace(darker, brightness=darker.brightness * 0.5))
    assert found.alarm is not None
    assert raised.won[-1] >= found.promise > raised.won[:-1].max()
    assert raised.time[-1] == found.alarm.time
    assert len(found.feed(records(50, rng)).won) == 0
