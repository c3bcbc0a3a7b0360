"""Badges: statuses as AWS names them, colored by what they mean, and what an image is not."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from backend.staging import Dataset

Color = Literal["green", "blue", "red", "orange", "violet"]

_COLORS: dict[Color, frozenset[str]] = {
    "green": frozenset({"Completed", "InService", "CREATE_COMPLETE", "UPDATE_COMPLETE", "passed"}),
    "red": frozenset({"Failed", "failed", "timed out"}),
    "orange": frozenset({"Stopped", "rejected", "stopped"}),
    "violet": frozenset({"not a known class"}),
}
_ICONS: dict[Color, str] = {
    "green": ":material/check_circle:",
    "red": ":material/error:",
    "orange": ":material/do_not_disturb_on:",
    "violet": ":material/question_mark:",
    "blue": ":material/progress_activity:",
}


def draw_status(status: str) -> None:
    """A status as a badge."""
    in_color = (color for color, names in _COLORS.items() if status in names)
    color: Color = next(in_color, "blue")
    st.badge(status, icon=_ICONS[color], color=color)


def draw_synthetic(dataset: Dataset) -> None:
    """A label for images that nobody photographed."""
    if dataset.synthetic:
        st.badge("Synthetic images", icon=":material/draw:", color="violet")
