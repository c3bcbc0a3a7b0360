"""Rules: what is one and what is not, and how they are kept by several people at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from backend import alerts
from backend.alerts import Comparison, MissingData, Rule
from backend.alerts.rules import checked
from backend.aws.environment import Environment
from backend.errors import AlertsDamaged, InvalidRule, NotFound

PASS_RATE = Rule("Too few pass", "pass_rate", Comparison.LESS, 0.5)


def changed(**changes: Any) -> Rule:
    return msgspec.structs.replace(PASS_RATE, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "A rule's name has 1 to 80 printable characters"),
        ({"name": "a\nb"}, "A rule's name has 1 to 80 printable characters"),
        ({"name": "n" * 81}, "A rule's name has 1 to 80 printable characters"),
        ({"figure": "luck"}, "watches luck, which is no figure"),
        ({"threshold": 1.5}, "Pass rate is from 0 to 1, and so is its threshold: 1.5 is not."),
        ({"threshold": float("nan")}, "nan is no threshold"),
        ({"threshold": float("inf"), "figure": "traffic"}, "inf is no threshold"),
        ({"threshold": -1.0, "figure": "traffic"}, "Traffic is never below 0"),
        ({"period_seconds": 61}, "A period of 61 seconds is not possible"),
        ({"evaluation_periods": 31}, "31 periods cannot be looked at. Choose from 1 to 30"),
        ({"evaluation_periods": 0}, "0 periods cannot be looked at"),
        ({"datapoints_to_alarm": 0}, "0 of 1 periods cannot be wrong"),
        ({"datapoints_to_alarm": 3, "evaluation_periods": 2}, "3 of 2 periods cannot be wrong. Choose from 1 to 2."),
        ({"least_records": 0}, "The fewest records of a period are from 1"),
        ({"figure": "share_of_class"}, "Share of a class is that of one class. Say of which."),
        ({"label": "bicycle"}, "Pass rate is not that of one class or feature"),
        ({"figure": "quantile_of_confidence"}, "needs to know which quantile"),
        ({"figure": "quantile_of_confidence", "level": 1.1}, "1.1 is no quantile"),
        ({"figure": "mean_confidence", "level": 0.5}, "Mean confidence takes no level. Leave 0.5 out."),
        ({"source": "s3://theirs/"}, "of a source without a workflow needs a threshold to pass"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRule, match=said.replace(".", r"\.")):
        checked(changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"threshold": 0.0},
        {"threshold": 1.0},
        {"level": 0.9, "source": "s3://theirs/"},
        {"figure": "traffic", "threshold": 1e6},
        {"figure": "share_of_class", "label": "bicycle"},
        {"evaluation_periods": 30, "datapoints_to_alarm": 30, "missing": MissingData.BREACHING},
    ],
)
def test_what_is_one_is_taken(changes: dict[str, Any]) -> None:
    assert checked(changed(**changes)) == changed(**changes)


def test_a_kept_rule_is_found_as_it_was_and_changed_in_its_place(project: Environment) -> None:
    first = alerts.save_rule(project, changed(level=0.25, missing=MissingData.NOT_BREACHING))
    second = alerts.save_rule(project, changed(name="Second"))
    assert alerts.read_rules(project) == [first, second]
    again = alerts.save_rule(project, msgspec.structs.replace(first, threshold=0.4))
    assert (again.rule_id, again.revision) == (first.rule_id, first.revision + 1)
    assert alerts.read_rules(project) == [again, second]
    alerts.delete_rule(project, first.rule_id)
    alerts.delete_rule(project, first.rule_id)
    assert alerts.read_rules(project) == [second]
    with pytest.raises(NotFound, match="This rule was deleted meanwhile"):
        alerts.save_rule(project, again)


def test_two_rules_have_not_the_same_name_and_there_are_not_too_many(project: Environment) -> None:
    alerts.save_rule(project, PASS_RATE)
    with pytest.raises(InvalidRule, match="There is a rule named Too few pass already"):
        alerts.save_rule(project, PASS_RATE)
    for number in range(49):
        alerts.save_rule(project, changed(name=f"Rule {number}"))
    with pytest.raises(InvalidRule, match="There are 50 rules"):
        alerts.save_rule(project, changed(name="One more"))


def test_of_rules_that_are_made_at_the_same_moment_none_is_lost(project: Environment) -> None:
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda number: alerts.save_rule(project, changed(name=f"Rule {number}")), range(8)))
    assert {rule.rule_id for rule in alerts.read_rules(project)} == {rule.rule_id for rule in saved}
    assert len({rule.rule_id for rule in saved}) == 8


@pytest.mark.parametrize("content", [b"{", b'{"rules": [{"name": 5}]}', b"[]"])
def test_damaged_objects_are_named(project: Environment, content: bytes) -> None:
    for key in ("alerts/rules.json", "alerts/states.json"):
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=content)
    with pytest.raises(AlertsDamaged, match=r"alerts/rules\.json cannot be read"):
        alerts.read_rules(project)
    if content != b'{"rules": [{"name": 5}]}':  # no states, and none of another name
        with pytest.raises(AlertsDamaged, match=r"alerts/states\.json cannot be read"):
            alerts.read_standings(project)
