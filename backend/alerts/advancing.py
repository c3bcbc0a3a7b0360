"""A rule's state from window to window: the same whoever evaluates, and whenever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import msgspec

from backend.alerts.figures import Reading, Windows
from backend.alerts.rules import Rule
from backend.alerts.standings import Change, Notice, Standing
from backend.alerts.states import State, breaching, judge, looked_at
from backend.alerts.words import reason

MOST_CAUGHT_UP: Final = 1_500
"""Windows that are evaluated after a pause; what was before them has no history."""


def due_windows(rule: Rule, standing: Standing | None, complete_until: datetime) -> Windows | None:
    """The windows to read for those that are over and were not evaluated yet; None where there is no such window.

    Of a rule that was never evaluated that is the last window alone. Before them stand those that are looked at too.
    """
    last = Windows.until(complete_until, rule.period, 1)
    new = 1 if standing is None else (last.end - standing.evaluated_until) // rule.period
    if new < 1:
        return None
    return Windows.until(complete_until, rule.period, min(new, MOST_CAUGHT_UP) + looked_at(rule) - 1)


def advance(
    rule: Rule,
    standing: Standing | None,
    windows: Windows,
    readings: Sequence[Reading | None],
    noticed_at: datetime,
) -> tuple[Standing | None, list[Change]]:
    """How the rule stands after these windows, and what changed in those that were not evaluated before.

    People are told of the last change, where the rule stands otherwise than before it; that a new rule is OK is no
    news. Returns the standing as it was where there is no new window.
    """
    before = standing.state if standing else State.INSUFFICIENT_DATA
    points = [breaching(rule, reading) for reading in readings]
    changes: list[Change] = []
    for number in range(looked_at(rule) - 1, windows.count):
        end = windows.end_of(number)
        if standing is not None and end <= standing.evaluated_until:
            continue
        current = standing.state if standing else State.INSUFFICIENT_DATA
        among = points[number - looked_at(rule) + 1 : number + 1]
        state = judge(rule, among, current)
        if state is not current:
            said = reason(rule, readings[number - looked_at(rule) + 1 : number + 1], among, state)
            change = Change(uuid4().hex, rule.rule_id, rule.name, end, noticed_at, current, state, said)
            changes.append(change)
        since = standing.since if standing and state is current else end
        reading = readings[number]
        standing = Standing(state, since, end, rule.revision, reading.value if reading else None)
    return standing, _told(changes, before)


def complete_until(now: datetime, longest_lag: timedelta | None) -> datetime:
    """Until when records are there: after twice the time within which 95 % of the files came until now.

    At least half a minute, at most an hour: files that came days late, as those of a backfill do, are no measure.
    """
    allowed = timedelta(minutes=5) if longest_lag is None else 2 * longest_lag
    return now - min(max(allowed, timedelta(seconds=30)), timedelta(hours=1))


def _told(changes: list[Change], before: State) -> list[Change]:
    if not changes or changes[-1].after is before:
        return changes
    if before is State.INSUFFICIENT_DATA and changes[-1].after is State.OK:
        return changes
    return [*changes[:-1], msgspec.structs.replace(changes[-1], notice=Notice.DUE)]
