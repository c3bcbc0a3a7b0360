"""What a page shows where there is nothing yet, and which page is next where there is."""

from __future__ import annotations

import streamlit as st

from pages.shared.paths import PagePath


def draw_missing(text: str, page: PagePath | None = None) -> None:
    """Say what is missing and, where another page makes it, lead there."""
    with st.container(border=True):
        st.markdown(f":material/info: {text}")
        if page is not None:
            st.page_link(page, icon=":material/arrow_forward:")


def draw_next(page: PagePath, text: str) -> None:
    """Say that this step is done and what the next one does, with a way to its page."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check_circle: {text}")
        st.page_link(page, label=f"Next: {page.heading}", icon=":material/arrow_forward:")
