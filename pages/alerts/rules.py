"""The rules in a table, and which of them is looked at."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import alerts
from backend.alerts import Kept, Rule, State
from pages.shared.rows import choose_row
from pages.shared.text import as_text, visible

_ORDER = {State.ALARM: 0, State.INSUFFICIENT_DATA: 1, State.OK: 2}


def choose_rule(rules: list[Rule], kept: Kept) -> Rule:
    """The rule whose row is selected; those in ALARM come first. What keeps one from being evaluated is said."""
    ordered = sorted(rules, key=lambda rule: (rule.is_paused, _ORDER[state_of(rule, kept)], rule.name.casefold()))
    st.subheader("Rules", anchor=False)
    chosen = choose_row(
        pd.DataFrame([_row(rule, kept) for rule in ordered]),
        ordered,
        height=min(320, 38 + 35 * len(ordered)),
        key=f"alerts.rules.{ordered[0].rule_id}",
        column_config={"Since, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
    )
    for rule in ordered:
        if problem := kept.problems.get(rule.rule_id):
            st.warning(as_text(f"{rule.name}: {problem}"), icon=":material/warning:")
    return chosen


def state_of(rule: Rule, kept: Kept) -> State:
    """How a rule stands; one that was not evaluated yet has too little data."""
    standing = kept.standing_of(rule.rule_id, rule.revision)
    return standing.state if standing else State.INSUFFICIENT_DATA


def _row(rule: Rule, kept: Kept) -> dict[str, object]:
    standing = kept.standing_of(rule.rule_id, rule.revision)
    state = state_of(rule, kept)
    value = standing.value if standing else None
    return {
        "State": "paused" if rule.is_paused else state.words,
        "Rule": visible(rule.name),
        "Last value": None if value is None else alerts.FIGURES[rule.figure].say(value),
        "Since, UTC": standing.since if standing else None,
        "In ALARM if": visible(alerts.condition(rule)),
    }
