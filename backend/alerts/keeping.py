"""The rules of a project, kept in its bucket: whoever evaluates them, wherever that is, reads the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import uuid4

import msgspec

from backend.alerts.rules import Rule, checked
from backend.aws.bucket import read_version, replace_object
from backend.aws.environment import Environment
from backend.aws.names import ALERTS_PREFIX
from backend.aws.polling import attempts
from backend.errors import AlertsDamaged, InvalidRule, NotFound

RULES_KEY: Final = f"{ALERTS_PREFIX}rules.json"
MOST_RULES: Final = 50
_PATIENCE_SECONDS: Final = 20.0


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[Rule]


def read_rules(environment: Environment) -> list[Rule]:
    """All rules, in the order in which they were made; raises AlertsDamaged, AwsRequestError."""
    return _read(environment)[0]


def save_rule(environment: Environment, rule: Rule) -> Rule:
    """Keep a rule, in the place of that with its id where it has one; returns it with its id and revision.

    Raises InvalidRule where it is none, has another's name, or is one too many; NotFound where it was deleted.
    """
    checked(rule)
    saved = rule

    def changed(rules: list[Rule]) -> list[Rule]:
        nonlocal saved
        if any(other.name == rule.name and other.rule_id != rule.rule_id for other in rules):
            raise InvalidRule(f"There is a rule named {rule.name} already. Choose another name.")
        if not rule.rule_id:
            if len(rules) >= MOST_RULES:
                raise InvalidRule(f"There are {MOST_RULES} rules, which are all that can be. Delete one first.")
            saved = msgspec.structs.replace(rule, rule_id=uuid4().hex[:12], revision=1)
            return [*rules, saved]
        place = _place(rules, rule.rule_id)
        saved = msgspec.structs.replace(rule, revision=rules[place].revision + 1)
        return [*rules[:place], saved, *rules[place + 1 :]]

    _change(environment, changed)
    return saved


def delete_rule(environment: Environment, rule_id: str) -> None:
    """Forget a rule; one that is not there is no error. What changed until now stays in the history."""
    _change(environment, lambda rules: [rule for rule in rules if rule.rule_id != rule_id])


def _place(rules: list[Rule], rule_id: str) -> int:
    for place, rule in enumerate(rules):
        if rule.rule_id == rule_id:
            return place
    raise NotFound("This rule was deleted meanwhile. Make a new one.")


def _read(environment: Environment) -> tuple[list[Rule], str | None]:
    found = read_version(environment, RULES_KEY)
    if found is None:
        return [], None
    try:
        return msgspec.json.decode(found[0], type=_File).rules, found[1]
    except msgspec.DecodeError as error:
        raise AlertsDamaged(
            f"The rules in s3://{environment.bucket}/{RULES_KEY} cannot be read ({error}). Mend that object, or delete "
            "it and make the rules again."
        ) from error


def _change(environment: Environment, changed: Callable[[list[Rule]], list[Rule]]) -> None:
    """Change the rules as they are; where somebody else does at the same moment, one after the other."""
    for _ in attempts("Keeping the rules", _PATIENCE_SECONDS):
        rules, version = _read(environment)
        content = msgspec.json.format(msgspec.json.encode(_File(changed(rules))))
        if replace_object(environment, RULES_KEY, content, version, action="keep the rules"):
            return
