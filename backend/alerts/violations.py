"""What is in ALARM now, as Model Monitor writes it: `constraint_violations.json`.

Source: SageMaker developer guide, "Schema for Violations (constraint_violations.json file)".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from backend.alerts.rules import Rule
from backend.alerts.standings import Kept
from backend.alerts.states import State
from backend.alerts.words import condition
from backend.aws.bucket import write_object
from backend.aws.environment import Environment
from backend.aws.names import ALERTS_PREFIX

MODEL_MONITOR_PREFIX: Final = f"{ALERTS_PREFIX}model-monitor/"
VIOLATIONS_KEY: Final = f"{MODEL_MONITOR_PREFIX}constraint_violations.json"


def violations_of(rules: Sequence[Rule], kept: Kept) -> dict[str, Any]:
    """A violation for each rule in ALARM, with the reason for its state."""
    return {"violations": [_violation(rule, kept) for rule in rules if rule.rule_id in kept.in_alarm]}


def write_violations(environment: Environment, rules: Sequence[Rule], kept: Kept) -> None:
    """Write the file in the place of the last one; raises AwsRequestError."""
    content = json.dumps(violations_of(rules, kept), indent=2).encode()
    write_object(environment, VIOLATIONS_KEY, content, "application/json", action="write what is violated")


def _violation(rule: Rule, kept: Kept) -> dict[str, str]:
    figure = rule.watched
    alarms = [change for change in kept.history(rule.rule_id) if change.after is State.ALARM]
    reason = f" {alarms[-1].reason}" if alarms else ""
    return {
        "feature_name": figure.feature,
        "constraint_check_type": figure.check,
        "description": f"{rule.name}: {condition(rule)}.{reason}",
    }
