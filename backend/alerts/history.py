"""The times that rules were in one state, from what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.alerts.rules import Rule
from backend.alerts.standings import Change, Kept
from backend.alerts.states import State


@dataclass(frozen=True)
class Episode:
    """A time in one state."""

    state: State
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Alarm:
    """A time in which a rule was in ALARM."""

    rule: str
    start: datetime
    end: datetime


def episodes_of(changes: Sequence[Change], state: State, start: datetime, end: datetime) -> tuple[Episode, ...]:
    """The states from `start` to `end` by a rule's changes, oldest first; `state` is that of a rule without any."""
    episodes = []
    at = start
    for change in changes:
        if change.at > start:
            episodes.append(Episode(change.before, at, min(change.at, end)))
            at = min(change.at, end)
        state = change.after
    episodes.append(Episode(state, at, end))
    return tuple(episode for episode in episodes if episode.end > episode.start)


def alarms_between(
    kept: Kept, rules: Sequence[Rule], source: str | None, start: datetime, end: datetime
) -> list[Alarm]:
    """When the rules of a source (None: the project's own) were in ALARM, as far as they were evaluated."""
    alarms = []
    for rule in rules:
        standing = kept.standings.get(rule.rule_id)
        if rule.source != source or standing is None:
            continue
        until = min(end, standing.evaluated_until)
        episodes = episodes_of(kept.history(rule.rule_id), standing.state, start, until)
        alarms += [Alarm(rule.name, one.start, one.end) for one in episodes if one.state is State.ALARM]
    return alarms
