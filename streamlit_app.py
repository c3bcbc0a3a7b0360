"""The app: its pages, and where it runs. `make run` starts it."""

from __future__ import annotations

import streamlit as st

from pages.components import draw_place, shown_errors

st.set_page_config(page_title="Scones Unlimited", page_icon="🚲", layout="wide", initial_sidebar_state=240)

page = st.navigation(
    {
        "": [st.Page("pages/build/overview.py", title="Overview", icon=":material/home:", default=True)],
        "Build": [
            st.Page("pages/build/data_staging.py", title="Data staging", icon=":material/photo_library:"),
            st.Page("pages/build/training.py", title="Training", icon=":material/model_training:"),
            st.Page("pages/build/deployment.py", title="Deployment", icon=":material/rocket_launch:"),
            st.Page("pages/build/workflow.py", title="Workflow", icon=":material/account_tree:"),
        ],
        "Operate": [
            st.Page("pages/operate/test_images.py", title="Test images", icon=":material/image_search:"),
            st.Page("pages/operate/monitoring.py", title="Monitoring", icon=":material/monitoring:"),
            st.Page("pages/operate/cleanup.py", title="Cleanup", icon=":material/delete_sweep:"),
        ],
    }
)

with shown_errors():
    with st.sidebar:
        draw_place()
    page.run()
