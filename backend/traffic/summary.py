"""What a run has sent, in figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from backend.traffic.arrivals import Load
from backend.traffic.drift import Drift
from backend.traffic.sent import Sent, Status
from backend.wording import count_of

_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_MOST_STEPS: Final = 60


@dataclass(frozen=True)
class Totals:
    """Images of a run: how many were started, of those how many late, how many were not, and of how many the app ended
    before it said so; how those that ended did, by outcome; and how many of those decided were right and wrong."""

    started: int = 0
    late: int = 0
    not_started: int = 0
    unsure: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    right: int = 0
    wrong: int = 0

    def describe(self) -> str:
        """In a sentence."""
        kept = "all in time" if not self.late else f"{self.late:,} of them late"
        outcomes = ", ".join(f"{count:,} {name}" for name, count in self.outcomes.items())
        ended = f" Ended: {outcomes}." if outcomes else ""
        lost = f" {count_of(self.not_started, 'image')} could not be started." if self.not_started else ""
        return f"{count_of(self.started, 'image')} sent, {kept}.{ended}{lost}"


def totals(rows: Sequence[Sent]) -> Totals:
    """The figures of what was sent, leaving out what is to be sent in the next second."""
    statuses = Counter(row.status for row in rows)
    judged = Counter(row.is_right for row in rows)
    return Totals(
        started=statuses[Status.STARTED],
        late=sum(row.is_late for row in rows),
        not_started=statuses[Status.NOT_STARTED],
        unsure=statuses[Status.PLANNED],
        outcomes=dict(Counter(row.outcome for row in rows if row.outcome is not None).most_common()),
        right=judged[True],
        wrong=judged[False],
    )


def by_class(rows: Sequence[Sent]) -> pd.DataFrame:
    """A row for each true class: columns label, sent, one for each outcome that occurred, right and wrong."""
    started = [row for row in rows if row.status is Status.STARTED]
    outcomes = [name for name, _ in Counter(row.outcome for row in started if row.outcome).most_common()]
    table = []
    for label in sorted({row.label for row in started}):
        of_class = [row for row in started if row.label == label]
        ended, judged = Counter(row.outcome for row in of_class), Counter(row.is_right for row in of_class)
        counts = {name: ended[name] for name in outcomes}
        table.append({"label": label, "sent": len(of_class)} | counts | {"right": judged[True], "wrong": judged[False]})
    return pd.DataFrame(table)


def drift_changes(rows: Sequence[Sent]) -> list[tuple[float, Drift]]:
    """Each drift with the time of the first image that it was in, in seconds from the start; the first one too."""
    changes: list[tuple[float, Drift]] = []
    for row in rows:
        if not changes or changes[-1][1] != row.drift:
            changes.append((row.due, row.drift))
    return changes


def step_of(load: Load) -> timedelta:
    """How long the steps are in which a run is drawn: at most 60 of them, a minute each for an hour."""
    return timedelta(seconds=next((step for step in _STEPS if load.seconds <= step * _MOST_STEPS), _STEPS[-1]))


def by_step(rows: Sequence[Sent], load: Load, started_at: datetime, until: float) -> pd.DataFrame:
    """A row for each step of time up to `until`, in seconds from the start.

    Columns time, wanted (how many images the load has then on average), sent, late (of those) and not_started.
    """
    step = step_of(load).total_seconds()
    count = math.ceil(max(min(until, load.seconds), step) / step)
    frame = pd.DataFrame(
        {
            "at": [int(row.due // step) for row in rows],
            "sent": [row.status is Status.STARTED for row in rows],
            "late": [row.is_late for row in rows],
            "not_started": [row.status is Status.NOT_STARTED for row in rows],
        }
    )
    steps = frame.groupby("at").sum().reindex(range(count), fill_value=0).astype(int).reset_index(drop=True)
    steps.insert(0, "time", [pd.Timestamp(started_at) + pd.Timedelta(seconds=at * step) for at in range(count)])
    steps.insert(1, "wanted", [load.expected(at * step, (at + 1) * step) for at in range(count)])
    return steps
