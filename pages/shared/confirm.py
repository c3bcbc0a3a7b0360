"""Asking before something is deleted."""

from __future__ import annotations

import streamlit as st


def confirm(label: str, question: str, *, key: str, disabled: bool = False) -> bool:
    """A button that asks the question first; True on the run in which a person agreed."""
    with st.popover(label, icon=":material/delete:", disabled=disabled, key=f"{key}.popover"):
        st.markdown(question)
        return st.button(label, key=key, type="primary", disabled=disabled)
