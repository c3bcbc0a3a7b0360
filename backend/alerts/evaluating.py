"""Evaluating all rules once: records brought in, windows judged, changes kept, and people told of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from backend import monitoring
from backend.alerts.advancing import advance, complete_until, due_windows
from backend.alerts.asking import Asking
from backend.alerts.figures import FIGURES, Reading, Windows
from backend.alerts.keeping import read_rules
from backend.alerts.rules import Rule
from backend.alerts.standings import MOST_CHANGES, Change, Kept, Notice, read_kept, replace_kept
from backend.alerts.telling import tell
from backend.alerts.violations import write_violations
from backend.alerts.words import condition
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.errors import CaptureUnavailable, SconesError

_log = logging.getLogger(__name__)
_CLAIM: Final = timedelta(minutes=1)
"""How long who claimed a change has to tell it, before somebody else does."""
_TELL_FOR: Final = timedelta(days=1)
"""What could not be told for so long is no news any more; it stays in the history."""
_PATIENCE_SECONDS: Final = 30.0


@dataclass
class _Read:
    """What was read for the rules that are due, and for which it could not be."""

    found: list[tuple[Rule, Windows, Sequence[Reading | None]]] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def evaluate(environment: Environment, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Kept:
    """Evaluate every rule of which a window is over, and tell of the changes; returns how all rules stand.

    What keeps a rule from being evaluated, or a change from being told, is among the problems, by the rule's id; the
    other rules are evaluated. Raises AlertsDamaged, and AwsRequestError where the bucket cannot be read or written.
    """
    rules = read_rules(environment)
    kept, _ = read_kept(environment)
    if not rules and not kept.standings:
        return kept
    read = _read_due(environment, [rule for rule in rules if not rule.is_paused], kept, clock())
    rules = [rule for rule in rules if rule.figure in FIGURES]
    kept, claimed = _keep(environment, rules, read, clock())
    sent, problems = _tell_all(environment, rules, claimed)
    if sent or problems:
        kept = _mark(environment, sent, problems)
    if claimed or any(change.noticed_at == kept.evaluated_at for change in kept.changes):
        write_violations(environment, rules, kept)
    return kept


def _read_due(environment: Environment, rules: Iterable[Rule], kept: Kept, now: datetime) -> _Read:
    read, asking = _Read(), Asking(environment)
    by_source: dict[str | None, list[Rule]] = {}
    for rule in rules:
        by_source.setdefault(rule.source, []).append(rule)
    for group in by_source.values():
        try:
            until = _bring_in(asking, group, kept, now)
        except SconesError as error:
            read.problems |= {rule.rule_id: str(error) for rule in group}
            continue
        for rule in group:
            try:
                if (windows := _due(rule, kept, until)) is not None:
                    read.found.append((rule, windows, asking.read(rule, windows)))
            except SconesError as error:
                read.problems[rule.rule_id] = str(error)
    return read


def _due(rule: Rule, kept: Kept, until: datetime) -> Windows | None:
    return due_windows(rule, kept.standing_of(rule.rule_id, rule.revision), until)


def _bring_in(asking: Asking, rules: Sequence[Rule], kept: Kept, now: datetime) -> datetime:
    """Read the records that came, where a rule of this source is due; returns until when all of them are there.

    Raises CaptureUnavailable where they cannot be, or somebody else has been reading them for long.
    """
    source, environment = asking.source_of(rules[0].source), asking.environment
    until = _complete_until(asking, source, now)
    if not any(_due(rule, kept, until) for rule in rules):
        return until
    try:
        for _ in attempts(f"Reading the captured records of {source.name}", _PATIENCE_SECONDS):
            if monitoring.refresh_captures(environment, source) is not None:
                break
    except SconesError as error:
        raise CaptureUnavailable(f"The rules of {source.name} were not evaluated: {error}") from error
    return _complete_until(asking, source, now)


def _complete_until(asking: Asking, source: monitoring.CaptureSource, now: datetime) -> datetime:
    contents = monitoring.capture_contents(asking.environment, source)
    return complete_until(now, contents.longest_lag if contents else None)


def _keep(environment: Environment, rules: Sequence[Rule], read: _Read, now: datetime) -> tuple[Kept, list[Change]]:
    """Write how the rules stand after what was read; returns that, and the changes that are ours to tell."""
    for _ in attempts("Keeping the states of the alerts", _PATIENCE_SECONDS):
        before, version = read_kept(environment)
        kept, claimed = _after(before, rules, read, now)
        if kept == before or replace_kept(environment, kept, version):
            return kept, claimed
    raise AssertionError("attempts end by what they raise")


def _after(before: Kept, rules: Sequence[Rule], read: _Read, now: datetime) -> tuple[Kept, list[Change]]:
    active = [rule.rule_id for rule in rules if not rule.is_paused]
    standings = {rule_id: before.standings[rule_id] for rule_id in active if rule_id in before.standings}
    changes = list(before.changes)
    for rule, windows, readings in read.found:
        known = before.standing_of(rule.rule_id, rule.revision)
        standing, new = advance(rule, known, windows, readings, now)
        changes += new
        if standing is not None:
            standings[rule.rule_id] = standing
    has_news = standings != before.standings or read.problems != before.problems
    claimed = [change.change_id for change in changes if _is_to_be_told(change, now)]
    changes = [
        msgspec.structs.replace(change, claimed_until=now + _CLAIM) if change.change_id in claimed else change
        for change in changes[-MOST_CHANGES:]
    ]
    ours = [change for change in changes if change.change_id in claimed]
    if not has_news and not ours:
        return before, []
    return Kept(standings, tuple(changes), now, read.problems), ours


def _is_to_be_told(change: Change, now: datetime) -> bool:
    is_free = change.claimed_until is None or change.claimed_until <= now
    return change.notice is Notice.DUE and is_free and now - change.noticed_at < _TELL_FOR


def _tell_all(
    environment: Environment, rules: Sequence[Rule], claimed: Sequence[Change]
) -> tuple[set[str], dict[str, str]]:
    """Tell of these changes; returns the ids of those that were told, and why others could not be, by rule."""
    conditions = {rule.rule_id: condition(rule) for rule in rules if rule.rule_id in {one.rule_id for one in claimed}}
    sent, problems = set(), {}
    for change in claimed:
        try:
            tell(environment, change, conditions.get(change.rule_id))
        except SconesError as error:
            problems[change.rule_id] = f"Nobody was told that {change.rule} is {change.after.words}: {error}"
            _log.warning("an alert could not be told: %s", error)
        else:
            sent.add(change.change_id)
    return sent, problems


def _mark(environment: Environment, sent: set[str], problems: Mapping[str, str]) -> Kept:
    """Write which changes were told, and what kept others from it."""
    for _ in attempts("Keeping the states of the alerts", _PATIENCE_SECONDS):
        before, version = read_kept(environment)
        changes = [
            msgspec.structs.replace(change, notice=Notice.SENT) if change.change_id in sent else change
            for change in before.changes
        ]
        kept = msgspec.structs.replace(before, changes=tuple(changes), problems={**before.problems, **problems})
        if replace_kept(environment, kept, version):
            return kept
    raise AssertionError("attempts end by what they raise")
