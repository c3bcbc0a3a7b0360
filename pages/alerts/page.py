"""Rules on what endpoints captured: how each stands, when it was in ALARM, and who is told."""

from __future__ import annotations

import streamlit as st

from backend.alerts import Kept, Rule
from pages.alerts.files import draw_files
from pages.alerts.form import draw_form
from pages.alerts.rule import draw_rule
from pages.alerts.rules import choose_rule
from pages.alerts.watching import draw_watching
from pages.shared import JobName, PagePath, current_environment, draw_about, draw_missing, follow_job, part, reads

st.title("Alerts")
draw_about(PagePath.ALERTS)
environment = current_environment()
rules: list[Rule] | None = None
kept = Kept()
chosen: Rule | None = None

with part():
    rules = reads.read_rules(environment)
    kept = reads.read_standings(environment)
with part():
    draw_watching(environment, kept, has_rules=bool(rules))
follow_job(JobName.ALERTS)
with part():
    if rules:
        chosen = choose_rule(rules, kept)
    elif rules is not None:
        draw_missing("There is no rule yet. Make one below; its preview says how often it would have alarmed.")
if chosen is not None:
    with part():
        draw_rule(environment, chosen, kept)
if rules is not None:
    with part():
        draw_form(environment, None)
with part():
    draw_files(environment)
