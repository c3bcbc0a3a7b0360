"""When rules on the records that are shown were in ALARM: shaded in the charts over time."""

from __future__ import annotations

from typing import Any

import streamlit as st

from backend import alerts, charts
from backend.alerts import Alarm
from backend.errors import SconesError
from backend.wording import enumerated
from pages.monitoring.shown import Shown
from pages.shared import reads
from pages.shared.text import as_text


def shade_alarms(figure: Any, shown: Shown) -> Any:
    """The figure with those times shaded."""
    charts.add_alarms(figure, [(alarm.start, alarm.end) for alarm in _alarms(shown)], shown.window)
    return figure


def draw_alarm_names(shown: Shown) -> None:
    """What is shaded, and that it is; nothing where nothing is."""
    names = list(dict.fromkeys(alarm.rule for alarm in _alarms(shown)))
    if names:
        st.caption(f"Shaded: in ALARM, by the rules {as_text(enumerated(names))}.")


def _alarms(shown: Shown) -> list[Alarm]:
    """Of rules on this source that watch the shown variant, or all; that they cannot be read is said in the margin."""
    try:
        rules = reads.read_rules(shown.environment)
        kept = reads.read_standings(shown.environment)
    except SconesError:
        return []
    variant = shown.view.variant
    watching = [rule for rule in rules if variant is None or rule.variant in (None, variant)]
    source = None if shown.is_own else shown.source.url
    return alerts.alarms_between(kept, watching, source, *shown.window)
