"""Statuses as AWS names them, coloured by what they mean."""

from __future__ import annotations

from typing import Literal

import streamlit as st

Colour = Literal["green", "blue", "red", "orange"]

_COLOURS: dict[Colour, frozenset[str]] = {
    "green": frozenset({"Completed", "InService", "CREATE_COMPLETE", "UPDATE_COMPLETE", "passed"}),
    "red": frozenset({"Failed", "failed", "timed out"}),
    "orange": frozenset({"Stopped", "rejected", "stopped"}),
}
_ICONS: dict[Colour, str] = {
    "green": ":material/check_circle:",
    "red": ":material/error:",
    "orange": ":material/do_not_disturb_on:",
    "blue": ":material/progress_activity:",
}


def draw_status(status: str) -> None:
    """A status as a badge."""
    in_colour = (colour for colour, names in _COLOURS.items() if status in names)
    colour: Colour = next(in_colour, "blue")
    st.badge(status, icon=_ICONS[colour], color=colour)
