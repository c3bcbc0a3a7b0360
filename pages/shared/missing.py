"""What a page shows where there is nothing yet."""

from __future__ import annotations

import streamlit as st

from pages.shared.paths import PagePath


def draw_missing(text: str, page: PagePath | None = None) -> None:
    """Say what is missing and, where another page makes it, lead there."""
    with st.container(border=True):
        st.markdown(f":material/info: {text}")
        if page is not None:
            st.page_link(page, icon=":material/arrow_forward:")
