"""The figures of a run, counted by hand, and the chart that draws them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import charts
from backend.traffic import (
    Distortion,
    Drift,
    Load,
    Pattern,
    Sent,
    Status,
    by_class,
    by_step,
    drift_changes,
    step_of,
    totals,
)

AT = datetime(2026, 3, 4, 5, tzinfo=UTC)
LOAD = Load(Pattern.STEADY, 0.5, 12)
DARK = Drift({Distortion.DARKER: 2})


def sent(number: int, due: float, label: str = "bicycle", drift: Drift | None = None, **changes: Any) -> Sent:
    values: dict[str, Any] = {"status": Status.STARTED, "late": 0.1} | changes
    return Sent(number, f"traffic-{number}", due, "sent.png", "staged.png", label, drift or Drift(), **values)


ROWS = [
    sent(1, 0.2, outcome="passed", is_right=True),
    sent(2, 0.9, outcome="passed", is_right=False, late=1.2),
    sent(3, 3.5, "motorcycle", DARK, outcome="rejected"),
    sent(4, 3.6, "motorcycle", DARK, status=Status.NOT_STARTED, late=None, reason="Refused."),
    sent(5, 11.9, "other", outcome="not a known class", is_right=True),
    sent(6, 11.95, status=Status.PLANNED, late=None),
]


def test_each_image_is_counted_once_by_what_became_of_it() -> None:
    figures = totals(ROWS)
    assert (figures.started, figures.late, figures.not_started, figures.unsure) == (4, 1, 1, 1)
    assert figures.outcomes == {"passed": 2, "rejected": 1, "not a known class": 1}
    assert (figures.right, figures.wrong) == (2, 1)
    assert figures.describe() == (
        "4 images sent, 1 of them late. Ended: 2 passed, 1 rejected, 1 not a known class. 1 image could not be started."
    )
    assert totals([]).describe() == "0 images sent, all in time."


def test_what_was_sent_is_told_by_true_class() -> None:
    table = by_class(ROWS).set_index("label")
    assert table.loc["bicycle"].to_dict() == {
        "sent": 2,
        "passed": 2,
        "rejected": 0,
        "not a known class": 0,
        "right": 1,
        "wrong": 1,
    }
    assert table["sent"].to_dict() == {"bicycle": 2, "motorcycle": 1, "other": 1}
    assert by_class([]).empty


def test_a_run_is_counted_by_steps_beside_what_was_wanted() -> None:
    steps = by_step(ROWS, LOAD, AT, 99)
    assert step_of(LOAD) == timedelta(seconds=1)
    assert len(steps) == 12
    assert steps["sent"].tolist() == [2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert steps["late"].tolist() == [1] + 11 * [0]
    assert steps["not_started"].tolist() == [0, 0, 0, 1] + 8 * [0]
    assert steps["wanted"].tolist() == pytest.approx(12 * [0.5])
    assert steps["time"].tolist()[-1] == AT + timedelta(seconds=11)
    assert len(by_step(ROWS, LOAD, AT, 3.7)) == 4
    assert len(by_step([], LOAD, AT, 0.0)) == 1


@pytest.mark.parametrize(("seconds", "step"), [(30, 1), (180, 5), (3600, 60), (8 * 3600, 600)])
def test_steps_are_at_most_60(seconds: float, step: float) -> None:
    assert step_of(Load(Pattern.STEADY, 1, seconds)) == timedelta(seconds=step)


def test_a_change_of_the_drift_is_where_the_first_image_has_it() -> None:
    assert drift_changes(ROWS) == [(0.2, Drift()), (3.5, DARK), (11.9, Drift())]


def test_the_chart_stacks_what_was_sent_and_marks_each_change() -> None:
    marks = [
        (AT + timedelta(seconds=at), words) for at, words in ((3.4, "darker 1"), (3.5, "darker 2"), (11.9, "none"))
    ]
    figure = charts.sent_over_time(by_step(ROWS, LOAD, AT, 12), step_of(LOAD), marks, (AT, AT + timedelta(seconds=12)))
    heights = {trace.name: list(trace.y) for trace in figure.data if trace.type == "bar"}
    assert heights["Sent"] == [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert heights["Sent late"][0] == 1
    assert heights["Not started"][3] == 1
    assert len(figure.layout.shapes) == 3
    assert [note.text for note in figure.layout.annotations] == ["darker 2", "none"]  # the first has no room
    quiet = charts.sent_over_time(by_step(ROWS[:1], LOAD, AT, 1), step_of(LOAD), [], (AT, AT + timedelta(seconds=12)))
    assert [trace.name for trace in quiet.data] == ["Sent", "Wanted on average"]
