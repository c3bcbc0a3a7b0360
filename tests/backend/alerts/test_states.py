"""States as CloudWatch has them: its documentation's tables, and what its text says beside them.

Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": three periods are evaluated, and
five are looked at. 0 is a period within the threshold, X one that is not, - one that is missing; the newest is last.
"""

from __future__ import annotations

import pytest

from backend.alerts import Comparison, MissingData, Reading, Rule, State
from backend.alerts.states import breaching, judge, looked_at

RETAIN = None
OK, ALARM, NO_DATA = State.OK, State.ALARM, State.INSUFFICIENT_DATA
TREATMENTS = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "- - - - 0": (OK, OK, OK, OK),
    "- - - - -": (NO_DATA, RETAIN, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, RETAIN, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, RETAIN, ALARM, OK),
}
CASES = [
    pytest.param(wanted, points, treatment, after, id=f"{wanted} of 3: {points} {treatment}")
    for wanted, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table.items()
    for treatment, after in zip(TREATMENTS, states, strict=True)
]


def rule(wanted: int = 3, missing: MissingData = MissingData.MISSING) -> Rule:
    return Rule(
        "one", "traffic", Comparison.LESS, 1.0, datapoints_to_alarm=wanted, evaluation_periods=3, missing=missing
    )


def windows(points: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[point] for point in points.split()]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(("wanted", "points", "missing", "after"), CASES)
def test_a_state_is_what_cloudwatchs_tables_say(
    wanted: int, points: str, missing: MissingData, after: State | None, current: State
) -> None:
    assert judge(rule(wanted, missing), windows(points), current) is (current if after is RETAIN else after)


def test_five_periods_are_looked_at_to_evaluate_three() -> None:
    assert looked_at(rule()) == 5


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -"])
def test_what_was_wrong_only_lately_does_not_alarm_before_its_time(points: str) -> None:
    """Its next period may be right: "Avoiding premature transitions to alarm state"."""
    assert judge(rule(), windows(points), State.OK) is State.OK
    assert judge(rule(), windows(points), State.INSUFFICIENT_DATA) is State.INSUFFICIENT_DATA


@pytest.mark.parametrize("points", ["- - - X 0", "- - X - 0"])
def test_one_that_is_right_again_ends_what_was_premature(points: str) -> None:
    assert judge(rule(), windows(points), State.INSUFFICIENT_DATA) is State.OK


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        (Comparison.GREATER, False, False, True),
        (Comparison.GREATER_OR_EQUAL, False, True, True),
        (Comparison.LESS, True, False, False),
        (Comparison.LESS_OR_EQUAL, True, True, False),
    ],
)
def test_a_value_at_the_threshold_is_wrong_where_the_comparison_says_so(
    comparison: Comparison, below: bool, at: bool, above: bool
) -> None:
    watching = Rule("one", "traffic", comparison, 2.0)
    assert [breaching(watching, Reading(value, 5)) for value in (1.9, 2.0, 2.1)] == [below, at, above]


def test_too_few_records_are_missing_data_and_traffic_has_none_too_few() -> None:
    watching = Rule("one", "mean_confidence", Comparison.LESS, 2.0, least_records=5)
    assert breaching(watching, None) is None
    assert breaching(watching, Reading(1.0, 4)) is None
    assert breaching(watching, Reading(1.0, 5)) is True
    assert breaching(watching, Reading(1.0, None)) is True
