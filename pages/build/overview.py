"""What exists of each step, and what is next."""

from __future__ import annotations

import streamlit as st

from backend.overview import State, next_step
from pages.components import current_environment, reads

ICONS = {
    State.READY: ":green[:material/check_circle:]",
    State.CHANGING: ":blue[:material/progress_activity:]",
    State.FAILED: ":red[:material/error:]",
    State.MISSING: ":gray[:material/radio_button_unchecked:]",
}
PAGES = {
    "data_staging": ("Data staging", "pages/build/data_staging.py"),
    "training": ("Training", "pages/build/training.py"),
    "deployment": ("Deployment", "pages/build/deployment.py"),
    "workflow": ("Workflow", "pages/build/workflow.py"),
    "test_images": ("Test images", "pages/operate/test_images.py"),
    "monitoring": ("Monitoring", "pages/operate/monitoring.py"),
}

st.title("Overview")
steps = reads.describe_steps(current_environment())
upcoming = next_step(steps)

st.markdown("From images to a monitored workflow that tells bicycles from motorcycles and knows when it is not sure.")

for step in steps:
    title, path = PAGES[step.name]
    with st.container(border=True):
        name, detail, button = st.columns([2, 5, 2], vertical_alignment="center")
        name.page_link(path, label=f"{ICONS[step.state]} {title}", icon="")
        detail.caption(step.detail)
        if step == upcoming and button.button("Continue", icon=":material/arrow_forward:", type="primary"):
            st.switch_page(path)

if upcoming is None:
    st.success("Every step is done. Submit more images, or watch the confidences.", icon=":material/check_circle:")
