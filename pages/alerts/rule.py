"""One rule: its figure over the last days with the times in ALARM, what changed, and changing it."""

from __future__ import annotations

import msgspec
import pandas as pd
import streamlit as st

from backend import alerts
from backend.alerts import Kept, Notice, Rule
from backend.aws.environment import Environment
from backend.wording import count_of
from pages.alerts.drawing import draw_preview
from pages.alerts.form import draw_form
from pages.alerts.rules import state_of
from pages.shared import confirm, reads
from pages.shared.environment import action, part
from pages.shared.status import Color
from pages.shared.text import as_text, visible

_COLORS: dict[alerts.State, Color] = {
    alerts.State.OK: "green",
    alerts.State.ALARM: "red",
    alerts.State.INSUFFICIENT_DATA: "blue",
}
_NOTICES = {Notice.NONE: "no", Notice.DUE: "not yet", Notice.SENT: "yes"}


def draw_rule(environment: Environment, rule: Rule, kept: Kept) -> None:
    """All that is known of a rule, and what can be done with it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{as_text(rule.name)}**", width="content")
            state = state_of(rule, kept)
            st.badge("paused" if rule.is_paused else state.words, color="gray" if rule.is_paused else _COLORS[state])
            st.space("stretch")
            _draw_actions(environment, rule)
        st.caption(as_text(f"In ALARM if: {alerts.condition(rule)}."))
        with part():
            start, end = _days(environment, rule)
            spans = [(alarm.start, alarm.end) for alarm in alerts.alarms_between(kept, [rule], rule.source, start, end)]
            draw_preview(environment, rule, spans, key=f"alerts.chart.{rule.rule_id}")
        _draw_history(rule, kept)
        draw_form(environment, rule)


def _days(environment: Environment, rule: Rule) -> tuple[pd.Timestamp, pd.Timestamp]:
    windows = reads.preview_rule(environment, rule).windows
    return pd.Timestamp(windows.start), pd.Timestamp(windows.end)


def _draw_actions(environment: Environment, rule: Rule) -> None:
    label, icon = ("Resume", "play_arrow") if rule.is_paused else ("Pause", "pause")
    if st.button(label, icon=f":material/{icon}:", key=f"alerts.pause.{rule.rule_id}"):
        with action("Rule resumed" if rule.is_paused else "Rule paused"):
            alerts.save_rule(environment, msgspec.structs.replace(rule, is_paused=not rule.is_paused))
    question = as_text(f"Delete the rule {rule.name}? What it said until now stays in the history.")
    if confirm("Delete", question, key=f"alerts.delete.{rule.rule_id}"):
        with action("Rule deleted"):
            alerts.delete_rule(environment, rule.rule_id)


def _draw_history(rule: Rule, kept: Kept) -> None:
    changes = list(reversed(kept.history(rule.rule_id)))
    if not changes:
        st.caption("It has not changed its state yet.")
        return
    with st.expander(f"History: {count_of(len(changes), 'change')}, the newest first", icon=":material/history:"):
        rows = [
            {
                "At, UTC": change.at,
                "To": change.after.words,
                "From": change.before.words,
                "Why": visible(change.reason),
                "Told": _NOTICES[change.notice],
            }
            for change in changes
        ]
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            height=min(320, 38 + 35 * len(rows)),
            column_config={"At, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
        )
