"""Drift: what may be asked for, in which words it is said, and what is drawn under it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from backend.errors import TrafficNotPossible
from backend.staging import StagedImage
from backend.traffic import Distortion, Drift, Load, Pattern, Pool, TrafficPlan, meaning, scenarios

UNLIKELY = 1e-6


def images(label: str, number: int) -> list[StagedImage]:
    return [StagedImage(f"{label}-{n}.png", label, 0, "test", f"{label}-{n}.png") for n in range(number)]


POOL = Pool({"bicycle": images("bicycle", 5), "motorcycle": images("motorcycle", 20)}, images("other", 3))


def drawn(drift: Drift, pool: Pool = POOL, count: int = 4_000) -> Counter[str]:
    rng = np.random.default_rng(11)
    return Counter(pool.draw(drift, rng).label for _ in range(count))


def assert_share(count: int, of: int, share: float) -> None:
    assert stats.binomtest(count, of, share).pvalue > UNLIKELY


def test_without_drift_classes_are_drawn_evenly_however_many_images_they_have() -> None:
    counts = drawn(Drift())
    assert set(counts) == {"bicycle", "motorcycle"}
    assert_share(counts["bicycle"], 4_000, 0.5)


def test_the_mix_gives_the_shares_and_foreign_images_come_on_top() -> None:
    counts = drawn(Drift(mix={"bicycle": 30, "motorcycle": 10}, foreign=0.2))
    assert_share(counts["other"], 4_000, 0.2)
    assert_share(counts["bicycle"], 4_000 - counts["other"], 0.75)


def test_every_image_of_a_class_is_drawn_as_often() -> None:
    rng = np.random.default_rng(1)
    keys = Counter(POOL.draw(Drift(mix={"bicycle": 1}), rng).key for _ in range(5_000))
    assert len(keys) == 5
    assert stats.chisquare(list(keys.values())).pvalue > UNLIKELY


def test_all_may_be_foreign() -> None:
    assert drawn(Drift(foreign=1.0)) == {"other": 4_000}


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        (lambda: Drift({Distortion.DARKER: 5.5}), "severity from 0 to 5 for darker, not 5.5"),
        (lambda: Drift({Distortion.DARKER: -1}), "severity from 0 to 5"),
        (lambda: Drift(foreign=1.1), "from 0 to 1, not 1.1"),
        (lambda: Drift(mix={"bicycle": 0, "motorcycle": 0}), "one above 0"),
        (lambda: Drift(mix={"bicycle": -1, "motorcycle": 2}), "not negative"),
        (lambda: Drift(mix={"bicycle": float("inf")}), "not negative"),
        (lambda: POOL.check(Drift(mix={"car": 1})), "no test images of car"),
        (lambda: Pool(POOL.known).check(Drift(foreign=0.1)), "no foreign images"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, 20.5, 60)), "to 20 a second, not 20.5"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, 0.01, 60)), "from 1 image a minute"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, float("nan"), 60)), "from 1 image a minute"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, 1, 0)), "up to 8 hours"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, 1, 30_000)), "up to 8 hours"),
        (lambda: TrafficPlan(Load(Pattern.STEADY, 20, 2_501)), "at most 50,000 images"),
        (lambda: TrafficPlan(Load(Pattern.BURSTS, 1, 60, 0.5)), "a second or more"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_what_to_choose(drift: object, words: str) -> None:
    assert callable(drift)
    with pytest.raises(TrafficNotPossible, match=words):
        drift()


def test_a_drift_is_said_in_words() -> None:
    drift = Drift({Distortion.JPEG: 3, Distortion.DARKER: 1.5}, {"bicycle": 3, "pickup_truck": 1}, 0.1)
    assert drift.describe() == "JPEG artefacts 3, darker 1.5, 10% foreign, 75% bicycle, 25% pickup truck"
    assert Drift({Distortion.DARKER: 0}, {"bicycle": 1, "motorcycle": 1}).describe() == "none"


def test_what_differs_in_nothing_is_no_drift() -> None:
    assert Drift({Distortion.DARKER: 0}, {"bicycle": 2, "motorcycle": 2}).is_none
    assert not any(drift.is_none for drift in scenarios(("bicycle", "motorcycle")).values())


def test_half_of_a_drift_has_half_of_each_severity() -> None:
    drift = Drift({Distortion.BLURRED: 3}, {"bicycle": 3, "motorcycle": 1}, 0.2)
    assert drift.scaled(0.5) == Drift({Distortion.BLURRED: 1.5}, {"bicycle": 3, "motorcycle": 1}, 0.1)
    assert drift.scaled(0).severities == {}


def test_scenarios_are_what_their_names_say() -> None:
    """The names are those under which drift alarms of this project were measured."""
    said = {
        name: meaning(*next(iter(drift.severities.items())))
        for name, drift in scenarios(("bicycle", "motorcycle")).items()
        if drift.severities
    }
    assert said == {
        "darker .8": "80% of the brightness",
        "darker .6": "60% of the brightness",
        "darker .3": "30% of the brightness",
        "brighter 1.5": "150% of the brightness, up to white",
        "blurred .8": "blurred over 0.8 pixels",
        "noisier 20": "noise of 20 levels of 255",
        "JPEG 20": "JPEG of quality 20",
        "rotated 30": "turned by 30°",
        "contrast .4": "40% of the contrast",
    }
    counts = drawn(scenarios(("bicycle", "motorcycle"))["class mix 30 %"])
    assert_share(counts["bicycle"], 4_000, 0.3)
