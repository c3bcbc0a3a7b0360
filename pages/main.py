"""What each visit runs: the navigation, where things run, and the chosen page."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import Page

from pages.shared import PagePath, draw_alarms, draw_environment, part


def page(path: PagePath, icon: str, *, default: bool = False) -> Page:
    """A page, at the address that its folder names."""
    return st.Page(path, title=path.heading, icon=f":material/{icon}:", url_path=path.url_path, default=default)


st.set_page_config(page_title="Scones Unlimited", page_icon="🚲", layout="wide", initial_sidebar_state=240)

chosen = st.navigation(
    {
        "": [page(PagePath.OVERVIEW, "home", default=True)],
        "Build": [
            page(PagePath.DATA_STAGING, "photo_library"),
            page(PagePath.TRAINING, "model_training"),
            page(PagePath.DEPLOYMENT, "rocket_launch"),
            page(PagePath.EVALUATION, "labs"),
            page(PagePath.WORKFLOW, "account_tree"),
        ],
        "Operate": [
            page(PagePath.TEST_IMAGES, "image_search"),
            page(PagePath.MONITORING, "monitoring"),
            page(PagePath.DRIFT, "difference"),
            page(PagePath.ACCURACY, "target"),
            page(PagePath.REVIEW, "rate_review"),
            page(PagePath.ALERTS, "notifications"),
            page(PagePath.CLEANUP, "delete_sweep"),
        ],
    },
    expanded=True,
)

with st.sidebar, part():
    draw_environment()
with st.sidebar, part():
    draw_alarms()
with part():
    chosen.run()
