"""What a rule would have said of the days behind, before it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from backend import monitoring
from backend.alerts.advancing import advance, complete_until
from backend.alerts.asking import Asking
from backend.alerts.figures import Reading, Windows
from backend.alerts.history import Episode, episodes_of
from backend.alerts.rules import Rule, checked
from backend.alerts.standings import Standing
from backend.alerts.states import State, looked_at
from backend.aws.environment import Environment

_DAYS: Final = {60: 1, 21_600: 30, 86_400: 30}
"""For which periods other than a week is looked at: as many windows as a chart has room for, and enough of them."""


@dataclass(frozen=True)
class Preview:
    """The readings of each window, and the episodes that the rule would have had, without a gap between them."""

    windows: Windows
    readings: Sequence[Reading | None]
    episodes: tuple[Episode, ...]

    @property
    def alarms(self) -> tuple[Episode, ...]:
        return tuple(episode for episode in self.episodes if episode.state is State.ALARM)

    @property
    def time_in_alarm(self) -> timedelta:
        return sum((episode.end - episode.start for episode in self.alarms), timedelta())


def preview(environment: Environment, rule: Rule, now: datetime | None = None) -> Preview:
    """Evaluate a rule over the last week, from what was read of its source until now; tells and keeps nothing.

    With periods of a minute it is a day, with those of six hours or a day 30.

    Where the newest record is older than that, over the days before it. Raises InvalidRule, CaptureUnavailable.
    """
    asking = Asking(environment)
    contents = monitoring.capture_contents(environment, asking.source_of(checked(rule).source))
    now = now or datetime.now(UTC)
    end = complete_until(now, contents.longest_lag if contents else None)
    length = timedelta(days=_DAYS.get(rule.period_seconds, 7))
    if contents and contents.last_at and contents.last_at < now - length:
        end = contents.last_at + rule.period
    count = min(length // rule.period, rule.watched.most_windows)
    windows = Windows.until(end, rule.period, count + looked_at(rule) - 1)
    readings = asking.read(rule, windows)
    start = windows.end_of(looked_at(rule) - 2)
    before = Standing(State.INSUFFICIENT_DATA, start, start, rule.revision)
    _, changes = advance(rule, before, windows, readings, now)
    return Preview(windows, readings, episodes_of(changes, State.INSUFFICIENT_DATA, start, windows.end))
