"""How many rules are in ALARM, on every page."""

from __future__ import annotations

import streamlit as st

from backend.errors import SconesError
from pages.shared import reads
from pages.shared.environment import current_environment
from pages.shared.paths import PagePath


def draw_alarms() -> None:
    """A way to the alerts where a rule is in ALARM; nothing where none is, or there is no rule."""
    try:
        number = len(reads.read_alarms(current_environment()).in_alarm)
    except SconesError as error:
        st.caption(":material/notifications_off: The alerts cannot be read.", help=str(error))
        return
    if number:
        st.page_link(PagePath.ALERTS, label=f":red[**{number} in ALARM**]", icon=":material/notifications_active:")
