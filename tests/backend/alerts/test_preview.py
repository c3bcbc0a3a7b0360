"""What a rule would have said, and the times of its states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend import alerts
from backend.alerts import Change, Comparison, Kept, Rule, Standing, State
from backend.aws.environment import Environment
from tests.backend.alerts.conftest import Record, capture

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UNSURE = Rule("Unsure", "mean_confidence", Comparison.LESS, 0.7, period_seconds=300, rule_id="one", revision=1)


def change(minute: int, before: State, after: State) -> Change:
    at = START + minute * MINUTE
    return Change(f"{minute}", "one", "Unsure", at, at, before, after, "")


HISTORY = (change(10, State.OK, State.ALARM), change(20, State.ALARM, State.INSUFFICIENT_DATA))


def test_a_preview_is_what_evaluations_would_have_said(project: Environment) -> None:
    sure, unsure = [0.9, 0.1], [0.6, 0.4]
    capture(
        project, [Record(START + n * MINUTE, unsure if 12 <= n < 23 or n >= 55 else sure, f"e-{n}") for n in range(60)]
    )
    preview = alerts.preview(project, UNSURE, START + timedelta(hours=2, minutes=20))  # an hour is waited for records
    found = [((one.start - START) // MINUTE, (one.end - START) // MINUTE) for one in preview.alarms]
    # Wrong are the windows from minute 15 and from minute 55; those that are half unsure have a mean of 0.72. Behind
    # the last one nothing came, and it is looked at twice more.
    assert found == [(20, 25), (60, 75)]
    assert preview.time_in_alarm == 20 * MINUTE
    assert [one.end for one in preview.episodes[:-1]] == [one.start for one in preview.episodes[1:]]
    assert "Contents" not in project.s3.list_objects_v2(Bucket=project.bucket, Prefix="alerts/")


def test_where_records_are_old_the_days_before_the_newest_are_looked_at(project: Environment) -> None:
    capture(project, [Record(START, [0.6, 0.4])])
    preview = alerts.preview(project, UNSURE, START + timedelta(days=400))
    assert [reading and reading.value for reading in preview.readings][-1] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 30, [(State.OK, 0, 10), (State.ALARM, 10, 20), (State.INSUFFICIENT_DATA, 20, 30)]),
        (12, 15, [(State.ALARM, 12, 15)]),
        (10, 20, [(State.ALARM, 10, 20)]),
        (25, 30, [(State.INSUFFICIENT_DATA, 25, 30)]),
        (0, 5, [(State.OK, 0, 5)]),
    ],
)
def test_states_fill_a_time_without_a_gap(first: int, last: int, expected: list[tuple[State, int, int]]) -> None:
    episodes = alerts.episodes_of(HISTORY, State.OK, START + first * MINUTE, START + last * MINUTE)
    found = [(one.state, (one.start - START) // MINUTE, (one.end - START) // MINUTE) for one in episodes]
    assert found == expected


def test_alarms_end_where_nothing_was_evaluated_any_more() -> None:
    standing = Standing(State.ALARM, START, START + 30 * MINUTE, 1)
    kept = Kept({"one": standing}, (change(10, State.OK, State.ALARM),))
    [alarm] = alerts.alarms_between(kept, [UNSURE], None, START, START + 60 * MINUTE)
    assert (alarm.rule, alarm.start, alarm.end) == ("Unsure", START + 10 * MINUTE, START + 30 * MINUTE)
    assert alerts.alarms_between(kept, [UNSURE], "s3://theirs/", START, START + 60 * MINUTE) == []
    assert alerts.alarms_between(kept, [], None, START, START + 60 * MINUTE) == []
