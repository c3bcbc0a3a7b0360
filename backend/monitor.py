"""`python -m backend.monitor`: evaluate the alerts once, for a cron or a Lambda; or again and again with --watch.

It ends with 0 where nothing is wrong, 1 where a rule is in ALARM, 2 where none is but one has too little data, and 3
where the rules, or one of them, could not be evaluated.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from contextlib import closing

from backend import alerts
from backend.alerts import Kept, Rule, State
from backend.aws.environment import Environment, open_environment
from backend.errors import SconesError
from backend.settings import load_settings

_FAILED = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code, which with --watch is that of the last evaluation."""
    parser = argparse.ArgumentParser(prog="python -m backend.monitor", description=__doc__)
    parser.add_argument("--watch", type=_seconds, metavar="SECONDS", help="go on every so many seconds, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print the states as JSON, a line an evaluation")
    chosen = parser.parse_args(arguments)
    try:
        with closing(open_environment(load_settings())) as environment:
            return _watch(environment, chosen.watch, as_json=chosen.json)
    except SconesError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED


def _watch(environment: Environment, seconds: float | None, *, as_json: bool) -> int:
    code = _FAILED
    pause = threading.Event()
    while True:
        try:
            code = _evaluate(environment, as_json=as_json)
        except SconesError as error:
            if seconds is None:
                raise
            code = _FAILED
            print(f"error: {error}", file=sys.stderr, flush=True)
        if seconds is None:
            return code
        try:
            pause.wait(seconds)
        except KeyboardInterrupt:
            return code


def _evaluate(environment: Environment, *, as_json: bool) -> int:
    kept = alerts.evaluate(environment)
    rules = [rule for rule in alerts.read_rules(environment) if not rule.is_paused]
    if as_json:
        print(json.dumps({rule.name: _summary(rule, kept) for rule in rules}), flush=True)
    else:
        for rule in rules:
            print(f"{_state(rule, kept).words}: {rule.name}: {alerts.condition(rule)}", flush=True)
    for rule in rules:
        if problem := kept.problems.get(rule.rule_id):
            print(f"error: {rule.name}: {problem}", file=sys.stderr, flush=True)
    return exit_code([_state(rule, kept) for rule in rules], has_problems=bool(kept.problems))


def exit_code(states: list[State], *, has_problems: bool) -> int:
    """What the command ends with: what is in ALARM comes first."""
    if State.ALARM in states:
        return 1
    if has_problems:
        return _FAILED
    return 2 if State.INSUFFICIENT_DATA in states else 0


def _state(rule: Rule, kept: Kept) -> State:
    standing = kept.standing_of(rule.rule_id, rule.revision)
    return standing.state if standing else State.INSUFFICIENT_DATA


def _summary(rule: Rule, kept: Kept) -> dict[str, object]:
    standing = kept.standing_of(rule.rule_id, rule.revision)
    return {
        "state": _state(rule, kept).value,
        "value": standing.value if standing else None,
        "since": standing.since.isoformat() if standing else None,
        "problem": kept.problems.get(rule.rule_id),
    }


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 1:
        raise argparse.ArgumentTypeError("at least 1 second")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
