"""How rules stand, and what changed: one object in the bucket, so that states and history never disagree.

Whoever evaluates writes it only if it is as they read it (a conditional write of S3), so that of several at once one
says of each window what it means. A change that people are told of is claimed in the same write, for a minute: only
who claimed it tells, and where they could not, the next evaluation does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.alerts.states import State
from backend.aws.bucket import read_version, replace_object
from backend.aws.environment import Environment
from backend.aws.names import ALERTS_PREFIX
from backend.errors import AlertsDamaged

STANDINGS_KEY: Final = f"{ALERTS_PREFIX}states.json"
MOST_CHANGES: Final = 500
"""Kept in all, the newest: some 150 kB."""


class Standing(msgspec.Struct, frozen=True):
    """How a rule stands since the end of a window, after all windows until another.

    `value` is that of the last window, None where it is missing.
    """

    state: State
    since: datetime
    evaluated_until: datetime
    revision: int
    value: float | None = None


class Notice(StrEnum):
    """Whether people are told of a change."""

    NONE = "none"
    DUE = "due"
    SENT = "sent"


class Change(msgspec.Struct, frozen=True):
    """A rule's state after the window that ended `at` was another than before; `noticed_at` is when that was seen."""

    change_id: str
    rule_id: str
    rule: str
    at: datetime
    noticed_at: datetime
    before: State
    after: State
    reason: str
    notice: Notice = Notice.NONE
    claimed_until: datetime | None = None


class Kept(msgspec.Struct, frozen=True):
    """What the bucket has: states by rule, changes in the order in which they were seen, and the last evaluation."""

    standings: Mapping[str, Standing] = {}
    changes: tuple[Change, ...] = ()
    evaluated_at: datetime | None = None
    problems: Mapping[str, str] = {}

    @property
    def in_alarm(self) -> list[str]:
        """The ids of the rules that are in ALARM."""
        return [rule_id for rule_id, standing in self.standings.items() if standing.state is State.ALARM]

    def standing_of(self, rule_id: str, revision: int) -> Standing | None:
        """How this revision of a rule stands; None where it was not evaluated yet."""
        standing = self.standings.get(rule_id)
        return standing if standing is not None and standing.revision == revision else None

    def history(self, rule_id: str) -> list[Change]:
        """A rule's changes, oldest first."""
        return [change for change in self.changes if change.rule_id == rule_id]


def read_standings(environment: Environment) -> Kept:
    """How all rules stand; raises AlertsDamaged, AwsRequestError."""
    return read_kept(environment)[0]


def read_kept(environment: Environment) -> tuple[Kept, str | None]:
    """The same, with the version to replace."""
    found = read_version(environment, STANDINGS_KEY)
    if found is None:
        return Kept(), None
    try:
        return msgspec.json.decode(found[0], type=Kept), found[1]
    except msgspec.DecodeError as error:
        raise AlertsDamaged(
            f"The states of the alerts in s3://{environment.bucket}/{STANDINGS_KEY} cannot be read ({error}). Delete "
            "that object, and the rules are evaluated anew."
        ) from error


def replace_kept(environment: Environment, kept: Kept, version: str | None) -> bool:
    """Write it in the place of this version; False where it is another by now."""
    action = "keep the states of the alerts"
    return replace_object(environment, STANDINGS_KEY, msgspec.json.encode(kept), version, action=action) is not None
