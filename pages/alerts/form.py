"""Making a rule, and changing one: its preview follows what is chosen."""

from __future__ import annotations

import streamlit as st

from backend import alerts
from backend.alerts import FIGURES, Rule
from backend.aws.environment import Environment
from pages.alerts.drawing import draw_preview
from pages.alerts.fields import choose_comparison, choose_data, choose_parameter, choose_source, choose_variant
from pages.shared.environment import action, part


def draw_form(environment: Environment, rule: Rule | None) -> None:
    """The fields of a rule, its preview, and a button that keeps it; of a new rule for None."""
    title = "New rule" if rule is None else "Change this rule"
    key = f"alerts.form.{rule.rule_id}.{rule.revision}" if rule else "alerts.form"
    with st.expander(title, icon=":material/add_alert:" if rule is None else ":material/edit:", key=key), part():
        chosen = _choose(environment, rule, key)
        with part():
            draw_preview(environment, chosen, None, key=f"{key}.preview")
        if st.button("Save rule", type="primary", icon=":material/save:", key=f"{key}.save"):
            with action("Rule saved"):
                alerts.save_rule(environment, chosen)


def _choose(environment: Environment, rule: Rule | None, key: str) -> Rule:
    source = choose_source(environment, rule, key)
    figures, parameters, variants = st.columns(3)
    with figures:
        name = st.selectbox(
            "Figure",
            list(FIGURES),
            index=list(FIGURES).index(rule.figure) if rule and rule.figure in FIGURES else 0,
            format_func=lambda name: FIGURES[name].title,
            key=f"{key}.figure",
        )
    figure = FIGURES[name]
    of_figure = rule if rule is not None and rule.figure == name else None
    with parameters:
        label, level = choose_parameter(environment, figure, of_figure, source, f"{key}.{name}")
    with variants:
        variant = choose_variant(environment, rule, source, key)
    fields = choose_comparison(figure, of_figure, rule, f"{key}.{name}", key)
    fields |= choose_data(figure, rule, key)
    if rule is not None:
        fields |= {"rule_id": rule.rule_id, "revision": rule.revision, "is_paused": rule.is_paused}
    return Rule(figure=name, source=source, variant=variant, label=label, level=level, **fields)
